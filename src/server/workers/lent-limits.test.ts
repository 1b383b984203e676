import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import type { LimitUse, NodeLimit } from "../../data/node-limits/node-limit.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { Borrower, type LimitedPlane } from "./borrower.ts";
import type { SharedPlan } from "./serialized-plan.ts";
import { Lender } from "./lender.ts";
import type { ToWorker } from "./messages.ts";

const LIMIT: NodeLimit = "calls a";

/** A worker that calls one target, as often at the same time as it may and something waits. */
class Caller implements LimitedPlane {
  readonly borrower: Borrower;
  readonly #whole: number;
  readonly #clock: ManualClock;
  used = 0;
  isThere = true;
  waiting = 0;
  ended = 0;
  /** Of each of its calls. */
  callMs = (): number => 50;

  constructor(whole: number, clock: ManualClock, borrower: Borrower) {
    this.#whole = whole;
    this.#clock = clock;
    this.borrower = borrower;
  }

  get part(): number {
    return this.borrower.partOf(LIMIT, this.#whole);
  }

  limitUses(): LimitUse[] {
    if (!this.isThere) return [];
    const wanted = this.waiting > 0 && this.used >= this.part ? Math.max(1, this.part) : 0;
    return [{ limit: LIMIT, whole: this.#whole, used: this.used, wanted }];
  }

  limitsChanged(): void {
    this.run();
  }

  run(): void {
    while (this.waiting > 0 && this.used < this.part) {
      this.waiting--;
      this.used++;
      this.#clock.after(this.callMs(), () => {
        this.used--;
        this.ended++;
        this.run();
      });
    }
  }
}

/** A node of such workers; messages take a millisecond each way. */
class CallerNode {
  readonly clock = new ManualClock();
  readonly callers: Caller[];
  readonly #lender: Lender;
  most = 0;

  constructor(whole: number, count: number) {
    const later = (run: () => void): void => void this.clock.after(1, run);
    const tell = (index: number, message: ToWorker): void => {
      if (message.kind === "parts") later(() => this.callers[index]!.borrower.told(message.seq, message.parts));
    };
    const lender = new Lender({ count, clock: this.clock, metrics: createMetrics(), tell });
    this.#lender = lender;
    this.adopt(whole);
    this.callers = Array.from({ length: count }, (_, index) => {
      const send: ConstructorParameters<typeof Borrower>[0]["send"] = (message) => {
        if (message.kind === "uses") later(() => lender.reported(index, message));
      };
      const borrower = new Borrower({ clock: this.clock, send });
      borrower.begin({ index, of: count }, lender.begin(index));
      return new Caller(whole, this.clock, borrower);
    });
    for (const caller of this.callers) caller.borrower.attend(caller);
  }

  /** A plan with the target and this limit, or without it. */
  adopt(whole: number | undefined): void {
    const targets = whole === undefined ? [] : [{ id: "a", maxInFlight: whole }];
    const plan = { targets, pools: [] } as unknown as SharedPlan; // oxlint-disable-line typescript/no-unsafe-type-assertion -- all that is looked at
    this.#lender.adopt(plan, { maxInFlightBytes: 1, maxConcurrentRequests: 1 } as never); // oxlint-disable-line typescript/no-unsafe-type-assertion -- the same
  }

  /** Workers have applied the plan; the target is there as long as a pool sends to it. */
  committed(isThere: boolean): void {
    this.ended(isThere);
    for (const { borrower } of this.callers) borrower.planChanged();
  }

  ended(isThere: boolean): void {
    for (const caller of this.callers) caller.isThere = isThere;
  }

  get parts(): number[] {
    return this.callers.map(({ part }) => part);
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed++) {
      this.clock.advance(1);
      this.most = Math.max(
        this.most,
        this.callers.reduce((sum, { used }) => sum + used, 0),
      );
    }
  }

  give(index: number, calls: number): void {
    this.callers[index]!.waiting += calls;
    this.callers[index]!.run();
  }
}

test("lent limits: one that has all the load has all of a limit within a second, and half of it a second after another has as much", () => {
  const node = new CallerNode(16, 2);
  node.give(0, 100_000);
  node.pass(1_000);
  assert.deepEqual(node.parts, [16, 0]);
  node.give(1, 100_000);
  node.pass(300);
  assert.ok(node.callers[1]!.ended > 0, "its first calls do not wait long");
  node.pass(700);
  assert.deepEqual(node.parts, [8, 8]);
  assert.equal(node.most, 16);
});

test("lent limits: while all have the same load nothing moves", () => {
  const node = new CallerNode(16, 4);
  for (const index of node.callers.keys()) node.give(index, 100_000);
  for (let i = 0; i < 20; i++) {
    node.pass(100);
    assert.deepEqual(node.parts, [4, 4, 4, 4]);
  }
});

test("lent limits: what pools hold that are gone from the plan is sent by all that have some", () => {
  const node = new CallerNode(16, 2);
  node.give(1, 100_000);
  node.pass(1_000);
  node.adopt(undefined);
  node.pass(2);
  node.committed(true);
  assert.deepEqual(node.parts, [0, 16]);
  node.give(0, 100_000);
  node.pass(1_000);
  assert.deepEqual(node.parts, [8, 8]);
  assert.equal(node.most, 16);
});

test("lent limits: a target that is put back into the plan is lent anew, whatever was lent when it was gone", () => {
  const node = new CallerNode(16, 2);
  node.give(1, 1_000);
  node.pass(1_000);
  node.adopt(undefined);
  node.pass(2);
  node.committed(true);
  node.pass(10_000);
  assert.deepEqual([node.parts, node.callers[1]!.ended], [[0, 16], 1_000]);
  node.ended(false);
  node.pass(1_000);
  node.adopt(16);
  node.pass(2);
  node.committed(true);
  node.give(0, 3);
  node.pass(1_000);
  assert.equal(node.callers[0]!.ended, 3);
});

test("lent limits: 16 calls go round among 32 workers that all have load, and all get about as much done", () => {
  const node = new CallerNode(16, 32);
  const random = seededRandom(7);
  for (const [index, caller] of node.callers.entries()) {
    caller.callMs = () => 20 + 200 * random.next();
    node.give(index, 100_000);
  }
  node.pass(30_000);
  const ended = node.callers.map((caller) => caller.ended);
  assert.ok(Math.min(...ended) * 2 >= Math.max(...ended), ended.join());
  assert.equal(node.most, 16);
  const all = ended.reduce((sum, count) => sum + count, 0);
  assert.ok(all > 0.8 * ((16 * 30_000) / 120), `${all}: giving permits on costs little of them`);
});
