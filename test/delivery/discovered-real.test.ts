import assert from "node:assert/strict";
import { test } from "node:test";
import { RETRY_MS } from "../../src/data/resolve/name-watch.ts";
import { HeldClock } from "../support/held-clock.ts";
import { namesIn } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { spans } from "./channel-rig.ts";
import { holdAll } from "../support/sinks/hold-all.ts";

const [A, B, C] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
const OPEN = { grpc: openGrpcSink, "http/protobuf": openHttpSink };
const TTL_MS = 30_000;
/** Names are asked for again a fifth earlier at most, and never as late as this. */
const EARLIEST = 0.8;
const ITEMS = 30;

/** What the name answers, one after the other; an address that is gone is missing three times. */
const ANSWERS: readonly (readonly string[] | "failed")[] = [
  [A, B, C],
  "failed",
  [A, B],
  [A, B],
  [A, B],
  [B, C],
  [B, C],
  [B, C],
  "failed",
  [A],
  [A],
  [A],
  [A, B, C],
];

async function addressesOf(node: TestNode): Promise<readonly string[]> {
  const { targets } = await node.status();
  return targets.flatMap(({ addresses }) => addresses.map(({ address }) => address));
}

const PLACES = [
  { strategy: { type: "consistent_hash", key: "trace_id" }, protocol: "grpc" },
  { strategy: "weighted_round_robin", protocol: "http/protobuf" },
] as const;

for (const { strategy, protocol } of PLACES) {
  test(`${protocol}: a pool that finds its targets by a name loses nothing while addresses come and go with calls under way, and sends nothing twice`, async () => {
    await using first = await OPEN[protocol]({ host: A });
    const { port } = first;
    await using second = await OPEN[protocol]({ host: B, port });
    await using third = await OPEN[protocol]({ host: C, port });
    const sinks = [first, second, third];
    const resolver = new ScriptedResolver();
    const clock = new HeldClock(EARLIEST * RETRY_MS);
    const found = { dns: `gateways.test:${port}`, protocol, slow_start: 0, timeout: "8s" };
    const config = { pools: { p: { targets: found, strategy } }, default_pool: "p" };
    await using node = await startTestNode(config, { resolver, clock });
    await using sender = new OtlpSender(node);
    resolver.find([A], TTL_MS);

    const seen = new Set<string>();
    const got = (): string[] => namesIn(sinks.flatMap((sink) => sink.requests));
    let periodMs = TTL_MS;
    for (const [round, answer] of ANSWERS.entries()) {
      const { arrived, release } = holdAll(sinks);
      const calls = Array.from({ length: ITEMS }, (_, i) => {
        const trace = round * ITEMS + i;
        return sender.send("grpc", "traces", spans([{ name: `${trace} `, trace }]));
      });
      await arrived;
      clock.run(EARLIEST * periodMs, periodMs - 1);
      const asked = resolver.pending;
      periodMs = answer === "failed" ? RETRY_MS : TTL_MS;
      if (answer === "failed") resolver.fail();
      else resolver.find(answer, TTL_MS);
      for (const address of await addressesOf(node)) seen.add(address);
      release();
      const answers = await Promise.all(calls);
      assert.deepEqual([asked, answers.filter(({ ok }) => !ok)], [1, []], `round ${round}`);
      await node.assertBalanced();
    }
    const names = got();
    assert.equal(names.length, ANSWERS.length * ITEMS);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(await addressesOf(node), [A, B, C]);
    assert.deepEqual([...seen].toSorted(), [A, B, C]);
    assert.ok(sinks.every((sink) => sink.counts().accepted > 0));
    const ledger = await node.ledger();
    assert.equal(ledger.delivered, names.length);
  });
}
