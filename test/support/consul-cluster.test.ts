import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { CONSUL_ABSENCE } from "../store/consul/consul-fixture.ts";
import { ConsulCluster } from "./consul-cluster.ts";
import { freeConsulPorts } from "./consul-server.ts";

const skip = CONSUL_ABSENCE ?? false;

test("a cluster one of whose members cannot start says so at once, and none is left running", { skip }, async () => {
  const ports = await Promise.all(Array.from({ length: 3 }, freeConsulPorts));
  const held = createServer().listen(ports[1]!.server, "127.0.0.1");
  await once(held, "listening");
  await assert.rejects(ConsulCluster.at(ports), /consul did not start:[\s\S]*address already in use/u);
  for (const { api } of ports) await assert.rejects(fetch(`http://127.0.0.1:${api}/v1/status/leader`));
  await once(held.close(), "close");
});
