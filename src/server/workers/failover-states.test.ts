import assert from "node:assert/strict";
import { test } from "node:test";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { Failover } from "../../data/balance/failover.ts";
import { FailoverReport, type FailoverPlane } from "./failover-report.ts";
import { FailoverStates } from "./failover-states.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

const RETURN_AFTER_MS = 1_000;
/** Of the targets' slow start. */
const RAMP_MS = 30_000;

function openPool(): BalancedPool {
  return new BalancedPool([1, 1], { type: "failover", returnAfterMs: RETURN_AFTER_MS });
}

/** A worker with targets a and b, whose time is another than that of the main process. */
class RigWorker {
  pool = openPool();
  readonly #ids = this.pool.targets.map(({ plan }) => plan.id);
  isThere = true;

  /** The pool was gone, and is another. */
  reopen(): void {
    const { nowMs } = this.pool;
    this.isThere = true;
    this.pool = openPool();
    this.pool.nowMs = nowMs;
  }

  get #picker(): Failover {
    const { picker } = this.pool;
    if (!(picker instanceof Failover)) throw new TypeError("not this strategy");
    return picker;
  }

  get plane(): FailoverPlane {
    return {
      failovers: () => (this.isThere ? [{ pool: "p", lane: "all", state: this.#state }] : []),
      followFailover: ({ state }) => this.#picker.follow(state, this.pool.nowMs, (id) => this.#ids.indexOf(id)),
    };
  }

  get stands(): string {
    return `${this.#state.current} ${this.#state.standIn}`;
  }

  get #state(): ReturnType<Failover["stateAt"]> {
    return this.#picker.stateAt(this.pool.nowMs, (index) => this.#ids[index]!);
  }
}

class Rig {
  readonly clock = new ManualClock();
  readonly workers: RigWorker[] = [];
  readonly #reports: FailoverReport[] = [];
  readonly #states: FailoverStates;

  constructor(count: number) {
    const tell = (index: number, message: ToWorker): void => {
      if (message.kind === "failovers") this.#reports[index]!.told(message.failovers);
    };
    this.#states = new FailoverStates(count, () => this.clock.nowMs(), tell);
    this.#states.adopt(new Set(["p"]));
    for (let i = 0; i < count; i++) this.begin(i);
  }

  /** Plans without the pool and with it again: all have what is in them anew. */
  removeAndPutBack(): void {
    this.#states.adopt(new Set());
    for (const worker of this.workers) worker.isThere = false;
    this.pass(100);
    for (const report of this.#reports) report.planChanged();
    this.pass(100);
    this.#states.adopt(new Set(["p"]));
    for (const worker of this.workers) worker.reopen();
    for (const report of this.#reports) report.planChanged();
  }

  begin(index: number): void {
    const worker = new RigWorker();
    worker.pool.nowMs = 1_000_000 * index;
    this.workers[index] = worker;
    this.#reports[index] = new FailoverReport(this.clock, (message: FromWorker) => {
      if (message.kind === "failovers") this.#states.reported(index, message.failovers);
    });
    this.#states.begin(index);
    this.#reports[index].attend(worker.plane);
  }

  pass(ms: number): void {
    for (let leftMs = ms; leftMs > 0; leftMs -= 100) {
      const stepMs = Math.min(100, leftMs);
      for (const { pool } of this.workers) pool.nowMs += stepMs;
      this.clock.advance(stepMs);
    }
  }

  eject(target: number): void {
    for (const { pool } of this.workers) pool.targets[target]!.eject("connect", Infinity);
  }

  ready(target: number): void {
    for (const { pool } of this.workers) pool.targets[target]!.ready(pool.nowMs);
  }

  get stands(): string[] {
    return this.workers.map(({ stands }) => stands);
  }
}

/** The part of its items that the first target gets. */
function firstShare({ pool }: RigWorker): number {
  return pool.counts(1_000)[0]! / 1_000;
}

test("failovers of a node: who has nothing to send goes over with the others, and its ramp is theirs", () => {
  const rig = new Rig(2);
  const [busy, idle] = [rig.workers[0]!, rig.workers[1]!];
  assert.equal(busy.pool.run(1), "a");
  rig.pass(100);
  rig.eject(0);
  assert.equal(busy.pool.run(1), "b");
  rig.pass(100);
  assert.deepEqual(rig.stands, ["b ", "b "]);
  rig.ready(0);
  rig.pass(RETURN_AFTER_MS - 1);
  assert.equal(idle.pool.run(1), "b", "as it would had it been busy");
  rig.pass(1);
  busy.pool.run(1);
  rig.pass(RAMP_MS / 2);
  assert.deepEqual(rig.stands, ["a b", "a b"]);
  for (const worker of rig.workers) assert.ok(Math.abs(firstShare(worker) - 0.5) < 0.02);
});

test("failovers of a node: one that is started in the meantime is where the others are, also within a ramp", () => {
  const rig = new Rig(2);
  rig.eject(0);
  rig.workers[0]!.pool.run(1);
  rig.pass(100);
  rig.ready(0);
  rig.pass(RETURN_AFTER_MS);
  rig.workers[0]!.pool.run(1);
  rig.pass(RAMP_MS / 4);
  rig.begin(1);
  rig.pass(RAMP_MS / 4);
  assert.deepEqual(rig.stands, ["a b", "a b"]);
  assert.ok(Math.abs(firstShare(rig.workers[1]!) - 0.5) < 0.02);
});

test("failovers of a node: of two that say something else at the same time the first is right for both", () => {
  const rig = new Rig(2);
  const [one, other] = [rig.workers[0]!, rig.workers[1]!];
  other.pool.targets[0]!.eject("connect", Infinity); // as the other sees it
  assert.deepEqual([one.pool.run(1), other.pool.run(1)], ["a", "b"]);
  rig.pass(100);
  assert.deepEqual(rig.stands, ["a ", "a "]);
  assert.equal(other.pool.run(1), "b", "what it knows by itself still holds");
  rig.pass(100);
  assert.deepEqual(rig.stands, ["b ", "b "]);
});

test("failovers of a node: they are the node's also when a pool was gone from the plan and comes back", () => {
  const rig = new Rig(2);
  rig.workers[0]!.pool.run(1);
  rig.pass(100);
  rig.eject(0);
  rig.workers[0]!.pool.run(1);
  rig.pass(100);
  assert.deepEqual(rig.stands, ["b ", "b "]);
  rig.removeAndPutBack();
  assert.equal(rig.workers[0]!.pool.run(1), "a");
  rig.pass(100);
  assert.deepEqual(rig.stands, ["a ", "a "]);
  rig.eject(0);
  rig.workers[0]!.pool.run(1);
  rig.pass(100);
  assert.deepEqual(rig.stands, ["b ", "b "]);
});
