import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports of loopback that nobody has right now, for programs that cannot be told to choose one
 * themselves. All are held until the last is found, so that they differ.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const bound = server.address();
    assert.ok(bound !== null && typeof bound === "object");
    return bound.port;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
