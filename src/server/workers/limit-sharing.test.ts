import assert from "node:assert/strict";
import { test } from "node:test";
import { requestOf } from "../../../test/support/items.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { OWN_BODIES } from "../../core/arena/extent.ts";
import { seededRandom } from "../../core/random.ts";
import { LimitAllocators } from "../../control/limits/limit-allocators.ts";
import { LimitHolders } from "../../control/limits/limit-holders.ts";
import { LIMITED } from "../../data/limit/limiter.ts";
import { NodeLimiter } from "../../data/limit/node-limiter.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
import type { LimitsUsage } from "../../plan/limits/limit-shares.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";
import { createLedger } from "../../telemetry/ledger.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { LimitAsker, type SharingPlane } from "./limit-asker.ts";
import { GIVER_EPOCH, LimitGiver } from "./limit-giver.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

const STEP_MS = 50;
const ITEMS = 10;
const REQUEST = requestOf(
  "traces",
  Array.from({ length: ITEMS }, () => ({ name: "s", service: "cart" })),
);

/** A worker whose data plane is its limiter. */
class LimitedWorker implements SharingPlane {
  readonly asker: LimitAsker;
  readonly #limiter: NodeLimiter;
  readonly #envelope = new Envelope();
  #owed = 0;

  constructor(clock: ManualClock, send: (message: FromWorker) => void) {
    this.asker = new LimitAsker(clock, send);
    const env = { clock, random: seededRandom(1), metrics: createMetrics(), ledger: createLedger() };
    this.#limiter = new NodeLimiter(env, new LimitHolders(GIVER_EPOCH));
  }

  adopt(limits: LimitsData): void {
    this.#limiter.adopt(limits);
  }

  limitsNow(mostKeys: number): LimitsUsage | undefined {
    return this.#limiter.usage(mostKeys);
  }

  limitAskNow(): LimitsAsk | undefined {
    return this.#limiter.ask();
  }

  limitGranted(grant: LimitsGrant, sentMs: number): void {
    this.#limiter.granted(grant, sentMs);
  }

  /** Items that were let in of those that came in one step. */
  offer(perSecond: number): number {
    this.#owed += (perSecond * STEP_MS) / 1_000;
    let letIn = 0;
    for (; this.#owed >= ITEMS; this.#owed -= ITEMS) {
      assert.ok(scanEnvelope("traces", REQUEST, this.#envelope));
      const { current } = this.#limiter;
      if (current?.limit(this.#envelope, "traces", NO_HEADERS, OWN_BODIES) === LIMITED.IN) letIn += ITEMS;
    }
    return letIn;
  }
}

/** Messages take some milliseconds, and keep their order. */
class LimitedNode {
  readonly clock = new ManualClock();
  readonly workers: LimitedWorker[] = [];
  readonly #giver: LimitGiver;
  readonly #admitted: number[] = [];
  readonly #limits: LimitsData;

  constructor(limits: LimitsData, count: number, isInFleet = false) {
    this.#limits = limits;
    const tell = (index: number, message: ToWorker): void => {
      if (message.kind === "limits") this.clock.after(3, () => this.workers[index]?.asker.told(message));
    };
    this.#giver = new LimitGiver(this.clock, tell, isInFleet);
    this.#giver.adopt(limits);
    for (let i = 0; i < count; i++) this.start(i);
    if (isInFleet) this.#report(limits);
    this.clock.advance(10);
  }

  /** Each second, to a controller that has no other node. */
  #report(limits: LimitsData): void {
    const allocators = new LimitAllocators({ epoch: { generation: 7, revision: 5n }, sinceMs: 0, isFirst: true });
    allocators.setLimits(limits);
    const report = (): void => {
      const sentMs = this.clock.nowMs();
      const ask = this.#giver.ask();
      assert.ok(ask !== undefined);
      this.clock.after(5, () => this.#giver.granted(allocators.lend("node", ask, this.clock.nowMs()), sentMs));
      this.clock.after(1_000, report);
    };
    report();
  }

  /** Also in the place of one that has ended. */
  start(index: number): void {
    const worker: LimitedWorker = new LimitedWorker(this.clock, (message) => {
      if (message.kind !== "limits") return;
      this.clock.after(3, () => {
        if (this.workers[index] === worker) this.#giver.asked(index, message);
      });
    });
    worker.adopt(this.#limits);
    this.workers[index] = worker;
    worker.asker.attend(worker);
  }

  end(index: number): void {
    this.#giver.ended(index);
    this.start(index);
  }

  /** Of the last worker, in whose place there is none. */
  endLast(): void {
    this.workers.pop();
    this.#giver.ended(this.workers.length);
  }

  /** Items that were let in, of what comes to each of the workers for so long. */
  run(ms: number, perSecond: readonly number[]): number {
    let sum = 0;
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      this.clock.advance(STEP_MS);
      const letIn = this.workers.reduce((all, worker, i) => all + worker.offer(perSecond[i] ?? 0), 0);
      this.#admitted.push(letIn);
      sum += letIn;
      this.#check();
    }
    return sum;
  }

  #check(): void {
    const usages = this.workers.map((worker) => worker.limitsNow(10)!);
    const granted = usages.reduce((all, { total }) => all + total.granted, 0);
    assert.ok(granted <= this.#limits.total.perSecond + 1e-6, `${granted} is out`);
    const { perSecond, burst } = this.#limits.total;
    let sum = 0;
    for (let back = 1; back <= Math.min(this.#admitted.length, 100); back++) {
      sum += this.#admitted.at(-back)!;
      const most = (perSecond * back * STEP_MS) / 1_000 + burst + this.workers.length * ITEMS;
      assert.ok(sum <= most, `${sum} in ${back * STEP_MS} ms`);
    }
  }
}

const WHOLE: LimitsData = {
  total: { perSecond: 1_000, burst: 100 },
  key: { from: "service" },
  keys: [],
  mixed: "refuse",
};

test("workers: what one of them needs it gets, and when the load has moved another has it some seconds later", () => {
  const node = new LimitedNode(WHOLE, 2);
  node.run(2_000, [3_000, 0]);
  const first = node.run(4_000, [3_000, 0]);
  assert.ok(first >= 3_800, String(first));
  node.run(6_000, [0, 3_000]);
  const second = node.run(4_000, [0, 3_000]);
  assert.ok(second >= 3_800, String(second));
  node.run(4_000, [3_000, 3_000]);
  const both = node.run(4_000, [3_000, 3_000]);
  assert.ok(both >= 3_800, String(both));
});

test("workers: the limit of one key follows its load, too", () => {
  const node = new LimitedNode({ ...WHOLE, total: { perSecond: 10_000, burst: 1_000 }, perKey: 1_000 }, 4);
  node.run(3_000, [2_000, 0, 0, 0]);
  const hot = node.run(4_000, [2_000, 0, 0, 0]);
  assert.ok(hot >= 3_800 && hot <= 4_200, String(hot));
  node.run(6_000, [0, 0, 0, 2_000]);
  const moved = node.run(4_000, [0, 0, 0, 2_000]);
  assert.ok(moved >= 3_800 && moved <= 4_200, String(moved));
});

test("workers: one that is started again begins with what is free, and no tokens", () => {
  const node = new LimitedNode(WHOLE, 2);
  node.run(3_000, [3_000, 0]);
  for (let i = 0; i < 5; i++) {
    node.end(0);
    node.run(400, [3_000, 3_000]);
  }
  node.run(4_500, [3_000, 0]);
  assert.ok(node.run(4_000, [3_000, 0]) >= 3_800);
});

test("workers: what one had that has ended is free at once", () => {
  const node = new LimitedNode(WHOLE, 2);
  node.run(4_000, [0, 3_000]);
  node.endLast();
  node.run(1_500, [3_000]);
  const other = node.run(2_000, [3_000]);
  assert.ok(other >= 1_900, String(other));
});

test("workers: an answer that comes after 64 more asks is not taken any more", () => {
  const clock = new ManualClock();
  const granted: number[] = [];
  const asker = new LimitAsker(clock, () => undefined);
  const none = { to: undefined, wanted: 0, weight: 0 };
  asker.attend({
    limitAskNow: () => ({ total: none, keys: [] }),
    limitGranted: (_grant, sentMs) => void granted.push(sentMs),
  });
  clock.advance(64 * 500);
  const grant = { total: { epoch: "" }, keys: [] };
  for (const seq of [1, 2, 65]) asker.told({ kind: "limits", seq, grant });
  assert.deepEqual(granted, [500, 32_000]);
});

test("workers of a node of a fleet have what it was granted, and the load moves among them as without", () => {
  const node = new LimitedNode(WHOLE, 2, true);
  node.run(5_000, [3_000, 0]);
  const first = node.run(4_000, [3_000, 0]);
  assert.ok(first >= 3_600, String(first));
  node.run(8_000, [0, 3_000]);
  const second = node.run(4_000, [0, 3_000]);
  assert.ok(second >= 3_600, String(second));
});
