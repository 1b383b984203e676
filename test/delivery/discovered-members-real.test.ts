import assert from "node:assert/strict";
import { test } from "node:test";
import { type FoundMember, membersKey } from "../../src/plan/members.ts";
import { namesIn } from "../support/items.ts";
import { startTestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { spans } from "./channel-rig.ts";
import { holdAll } from "../support/sinks/hold-all.ts";

const OPEN = { grpc: openGrpcSink, "http/protobuf": openHttpSink };
const ITEMS = 40;

/** Who is there, one after the other: `b2` is b, which has come back at another address. */
const ROUNDS = ["a b", "a b2", "a", "b2 c", "a b c", "a b2 c", "c"];

const PLACES = [
  { strategy: { type: "consistent_hash", key: "trace_id" }, protocol: "grpc", listener: "otlp_grpc", workers: 0 },
  { strategy: "least_connections", protocol: "http/protobuf", listener: "otlp_http", workers: 0 },
  { strategy: { type: "consistent_hash", key: "trace_id" }, protocol: "grpc", listener: "otlp_grpc", workers: 1 },
] as const;

for (const { strategy, protocol, listener, workers } of PLACES) {
  test(`${protocol}, ${workers} workers: members of the fleet come, go and come back elsewhere with calls under way: nothing is lost, nothing sent twice`, async () => {
    await using a = await OPEN[protocol]();
    await using b = await OPEN[protocol]();
    await using b2 = await OPEN[protocol]();
    await using c = await OPEN[protocol]();
    const sinks: Readonly<Record<string, Sink>> = { a, b, b2, c };
    const reached = new Set<string>();
    const key = membersKey({ region: "default", tags: { tier: "g" }, listener });
    const collectors = { tags: { tier: "g" } };
    const found = { collectors, id: "up", protocol, health_check: false, slow_start: 0, timeout: "8s" };
    const config = { pools: { p: { targets: found, strategy } }, default_pool: "p" };
    await using node = await startTestNode(config, { workers });
    await using sender = new OtlpSender(node);
    const tell = async (text: string): Promise<void> => {
      const members = text.split(" ").map((name): FoundMember => {
        return { id: name.slice(0, 1), address: sinks[name]!.url.slice("http://".length), utilization: 0.1 };
      });
      await node.running.dataPlane.discovered([{ of: key, members }]);
      // Whoever answers has been told before.
      await node.running.dataPlane.ready();
    };
    const addresses = async (): Promise<string[]> => {
      const [target] = (await node.status()).targets;
      return (target?.addresses ?? []).map(({ member, address }) => `${member} ${address}`);
    };

    await tell(ROUNDS[0]!);
    for (const [round, there] of [...ROUNDS.slice(1), ROUNDS[0]!].entries()) {
      const { arrived, release } = holdAll(Object.values(sinks));
      const calls = Array.from({ length: ITEMS }, (_, i) => {
        const trace = round * ITEMS + i;
        return sender.send("grpc", "traces", spans([{ name: `${trace} `, trace }]));
      });
      await arrived;
      await tell(there);
      const wanted = there.split(" ").map((name) => `${name.slice(0, 1)} ${sinks[name]!.url.slice("http://".length)}`);
      assert.deepEqual(await addresses(), wanted);
      release();
      const answers = await Promise.all(calls);
      assert.deepEqual(
        answers.filter(({ ok }) => !ok),
        [],
        `round ${round}`,
      );
      for (const [name, sink] of Object.entries(sinks)) if (sink.counts().accepted > 0) reached.add(name);
      await node.assertBalanced();
    }
    const names = namesIn(Object.values(sinks).flatMap((sink) => sink.requests));
    assert.equal(names.length, ROUNDS.length * ITEMS);
    assert.equal(new Set(names).size, names.length);
    assert.ok(reached.size > 1, [...reached].join(" "));
    assert.equal((await node.ledger()).delivered, names.length);
  });
}
