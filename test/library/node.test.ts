import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createLog,
  createStrategies,
  registerStrategy,
  startNode,
  systemClock,
  systemRandom,
  textSource,
} from "../../src/index.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";

test("a node in a process of one's own takes strategies by name, also for configs that come later", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  const textWith = (name: string): string => `
node: { listen: { otlp_grpc: false, otlp_http: { address: "127.0.0.1:0" }, admin: false } }
targets: [{ id: a, endpoint: "${a.url}" }, { id: b, endpoint: "${b.url}" }]
default_pool: { targets: [a, b], strategy: { type: plugin, name: ${name} } }
`;
  const strategies = createStrategies();
  for (const [index, name] of ["first", "second"].entries()) {
    registerStrategy(strategies, name, () => ({
      pick: (view) => (view.eligible[index] === 1 ? index : -1),
      charge() {},
      changed() {},
    }));
  }
  const source = textSource(textWith("second"), { name: "own", folder: ".", file: undefined }, {});
  const { config } = source.load(source.text);
  assert.ok(config !== undefined);
  const log = createLog({ clock: systemClock, write: () => undefined, level: "info", format: "json", colour: false });
  await using node = await startNode(config, { clock: systemClock, random: systemRandom, log, source, strategies });
  assert.deepEqual((await node.dataPlane.status()).workers, [], "it is in this process");
  const url = `http://${node.addresses.otlpHttp}/v1/traces`;
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: "s" }] }] }] });
  const send = async (): Promise<void> => {
    const reply = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    assert.equal(reply.status, 200);
  };
  for (let i = 0; i < 3; i++) await send();
  assert.deepEqual([a.requests.length, b.requests.length], [0, 3]);
  assert.equal((await node.walk.apply(textWith("first"))).kind, "applied");
  await send();
  assert.deepEqual([a.requests.length, b.requests.length], [1, 3]);
  assert.equal((await node.walk.apply(textWith("third"))).kind, "failed");
});
