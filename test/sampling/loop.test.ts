import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../support/manual-clock.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { requestOf } from "./requests.ts";

const ADAPTIVE = "{ type: adaptive, min_rate: 0.0001, max_rate: 1, target_qps: 50 }";
const CLASSES = "{ type: priority_based, rules: [{ priority: high, rate: 1, services: [payment] }] }";

function configOf(strategies: string): string {
  return `default_pool: { targets: [a] }\nglobal: { sampling_strategies: [${strategies}] }\n`;
}

/** A whole node on a clock that is moved, with a sender of as many spans a second as are asked. */
class Scene {
  readonly clock = new ManualClock();
  readonly #node: TestNode;
  readonly #sender: OtlpSender;
  #sent = 0;

  constructor(node: TestNode, sender: OtlpSender, clock: ManualClock) {
    [this.#node, this.#sender, this.clock] = [node, sender, clock];
  }

  /** One second after the other. */
  async run(seconds: number, perSecond: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      for (let part = 0; part < 4; part++) {
        const { ok } = await this.#sender.send("grpc", "traces", this.#spans(perSecond / 4));
        assert.ok(ok);
        this.clock.advance(250);
      }
      await this.#measured();
    }
  }

  /** The node has looked at what it has counted. */
  async #measured(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async probability(name: string): Promise<number> {
    return this.#node.metric("samplingProbability", "traces", name);
  }

  /** Their randomness is spread evenly. */
  #spans(count: number): Uint8Array {
    const spans = Array.from({ length: count }, () => {
      const rv = ((this.#sent++ * 0x9e37_79b1) % 0x1_0000_0000).toString(16).padStart(8, "0");
      return { name: "high", state: `ot=rv:${rv}000000` } as const;
    });
    return requestOf([
      { service: "cart", spans },
      { service: "payment", spans: spans.slice(0, count / 20) },
    ]);
  }
}

test("a node by itself keeps so many items a second, protected ones first, and what it keeps counts for what came", async () => {
  const clock = new ManualClock();
  await using a = await openGrpcSink();
  await using node = await startTestNode(configOf(`${ADAPTIVE}, ${CLASSES}`), { sinks: { a }, clock });
  await using sender = new OtlpSender(node);
  const scene = new Scene(node, sender, clock);
  await scene.run(4, 400);
  // 400 and 20 that are protected come: of 50 the rest has 30.
  assert.ok(Math.abs((await scene.probability("normal")) / 0.075 - 1) < 0.01);
  assert.equal(await scene.probability("high"), 1);
  assert.equal(await node.metric("samplingStage", "directive"), 1);
  assert.equal(await node.metric("samplingStrategyState", "adaptive", "on_target"), 1);
  const before = await node.ledger("traces");
  await scene.run(10, 2_000);
  const after = await node.ledger("traces");
  // 100 protected ones a second are more than all that is allowed: the rest is at its lowest.
  assert.equal(await node.metric("samplingStrategyState", "adaptive", "over_target"), 1);
  assert.ok(after.delivered - before.delivered < 10 * 125, `${after.delivered - before.delivered}`);
  await node.apply(configOf(CLASSES));
  await scene.run(1, 40);
  assert.equal(await node.metric("samplingStage", undefined), 0);
  const { dropped } = await node.ledger("traces");
  await scene.run(2, 40);
  assert.equal((await node.ledger("traces")).dropped, dropped);
});

test("a node by itself spends a budget, and keeps over a restart what it has spent in the hour", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-spend-"));
  try {
    const clock = new ManualClock(480_000 * 3_600_000);
    await using a = await openGrpcSink();
    const text = `node: { data_dir: "${folder}" }\n${configOf("{ type: cost_based, budget_per_hour: 72000, cost_per_span: 1 }")}`;
    const spent = async (node: TestNode): Promise<number> =>
      72_000 * (await node.metric("samplingSpent", "cost_based"));
    let delivered = 0;
    {
      await using node = await startTestNode(text, { sinks: { a }, clock });
      await using sender = new OtlpSender(node);
      const scene = new Scene(node, sender, clock);
      // As of the last step, which is 5 s ago at most, of what was read then.
      await scene.run(6, 400);
      const early = (await node.ledger("traces")).delivered;
      await scene.run(6, 400);
      ({ delivered } = await node.ledger("traces"));
      const now = await spent(node);
      assert.ok(now >= early && now <= delivered, `${now} of ${early} to ${delivered}`);
    }
    const kept = JSON.parse(readFileSync(join(folder, "sampling-spend.json"), "utf8")).strategies.cost_based.spent;
    assert.ok(Math.abs(kept / delivered - 1) < 0.1, `${kept} of ${delivered}`);
    await using node = await startTestNode(text, { sinks: { a }, clock });
    await using sender = new OtlpSender(node);
    await new Scene(node, sender, clock).run(2, 4);
    assert.ok((await spent(node)) >= kept);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
