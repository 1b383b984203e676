import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { EtcdServer } from "../support/etcd-server.ts";
import { PATIENCE_MS } from "../support/patience.ts";

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL("../../examples/distributed-control.ts", import.meta.url));
const REGION =
  '{"sampling_rate":0.1,"routing_preference":["region-1"],"buffer_size":10000,' +
  '"batch":{"max_items":100,"max_wait":"100ms"},"retry":{"max_retries":3,"initial":"100ms","max":"10s"}}';

let etcd: EtcdServer;
before(async () => {
  etcd = await EtcdServer.open();
});
after(() => etcd[Symbol.asyncDispose]());

async function outputOf(...argv: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [PROGRAM, ...argv], { timeout: 5 * 60_000 });
  assert.equal(stderr, "", "nothing of it is an error of the node");
  return stdout.replaceAll(/(?<=127\.0\.0\.1:)\d+/gu, "<port>");
}

function expected(store: string): string {
  return `=== Distributed control ===

Fleet (${store} store):
  fleet example: created

Controllers:
  the fleet is led by node-1, region-1 by node-1

Region:
  region-1: applied, ${REGION}

Topology:
  region-1: healthy, node-1 at 127.0.0.1:<port>
  best to send to: node-1

Load:
  sent: 20, accepted: 20
  seen by the monitor: yes; forecast for a minute: by persistence

Registry:
  otlp-collector: collector-1 is healthy

Election:
  node-1 leads, at 10.0.0.1:4321
  node-2 leads, at 10.0.0.2:4321
  its epoch is higher: true; the first one knows: true

Lock:
  compact is held by node-1; written under it: true

Settings that many follow:
  without a level: invalid
  level: info
  level: debug

Done: nothing is held any more.
`;
}

test("distributed-control.ts: a fleet with a store of its own, from the first key to the last goodbye", async () => {
  assert.equal(await outputOf(), expected("embedded"));
});

test("distributed-control.ts: the same on etcd, where nothing is held when it has ended", async () => {
  const argv = ["etcd", etcd.only.endpoint, "/example"];
  assert.equal(await outputOf(...argv), expected("etcd"));
  const settings = { kind: "etcd", endpoints: [etcd.only.endpoint], compact: false } as const;
  const world = { clock: systemClock, random: seededRandom(1), observer: UNOBSERVED };
  await using store = await openStore(settings, world);
  const { entries } = await store.list("/example/", { signal: AbortSignal.timeout(PATIENCE_MS) });
  const kinds = new Set(entries.map(({ key }) => key.split("/")[2]));
  for (const held of ["members", "elections", "locks", "collectors"]) assert.ok(!kinds.has(held), held);
  assert.ok(kinds.has("config") && kinds.has("fleet"), "what is to stay is there");
});
