import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { after, test } from "node:test";
import { createAuthority } from "../../../test/support/certs.ts";
import { systemClock } from "../../core/clock.ts";
import type { StoreTls } from "../store.ts";
import { EtcdConnection } from "./connection.ts";
import { encodeNothing } from "./messages.ts";
import { STATUS } from "./methods.ts";

const warnings: string[] = [];
const keep = ({ message }: Error): void => void warnings.push(message);
process.on("warning", keep);
after(() => process.off("warning", keep));

const authority = await createAuthority();

interface Met {
  /** What the server was told as its name; undefined: it was not taken. */
  readonly name: string | false | undefined;
  readonly fault: string;
}

/** A call of a server with a certificate for these names, which answers nothing of etcd. */
async function meet(names: readonly string[], host: string, more: StoreTls = {}): Promise<Met> {
  const server = createServer({ ...(await authority.server(names)), ALPNProtocols: ["h2"] });
  server.on("tlsClientError", () => undefined);
  let name: Met["name"];
  server.on("secureConnection", (socket: TLSSocket) => {
    name = (socket as TLSSocket & { servername: string | false }).servername;
    socket.on("error", () => undefined).destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  using connection = new EtcdConnection(`https://${host}:${port}`, { ca: authority.ca, ...more }, systemClock);
  const { signal } = new AbortController();
  const answer = await connection.unary(STATUS, encodeNothing(), "", {
    clock: systemClock,
    deadlineMs: 60_000,
    signal,
  });
  server.close();
  return { name, fault: answer.ok ? "" : answer.fault.details };
}

test("an address is checked in the certificate, and told to no server as if it were a name", async () => {
  const byAddress = await meet(["localhost", "127.0.0.1"], "127.0.0.1");
  assert.equal(byAddress.name, "etcd", byAddress.fault);
  const named = await meet(["10.0.0.1"], "127.0.0.1", { serverName: "10.0.0.1" });
  assert.equal(named.name, "etcd", named.fault);
  await new Promise(setImmediate); // warnings come a turn later
  assert.deepEqual(warnings, []);
});

test("a certificate for another address is refused, also with one for the name that is told", async () => {
  assert.match((await meet(["10.0.0.1", "etcd"], "127.0.0.1")).fault, /127\.0\.0\.1 is not in the cert's list/u);
  assert.match((await meet(["127.0.0.1"], "127.0.0.1", { serverName: "10.0.0.1" })).fault, /10\.0\.0\.1 is not in/u);
});

test("a name is told, and checked", async () => {
  assert.equal((await meet(["localhost"], "localhost")).name, "localhost");
  assert.equal((await meet(["etcd-1.test"], "127.0.0.1", { serverName: "etcd-1.test" })).name, "etcd-1.test");
  assert.match((await meet(["localhost"], "127.0.0.1", { serverName: "etcd-1.test" })).fault, /altnames/u);
});
