import assert from "node:assert/strict";
import { test } from "node:test";
import { SetTarget } from "../../../test/support/balance/balanced-pool.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { Chooser } from "../../data/balance/chooser.ts";
import { NO_HISTORY } from "../../data/export/parts.ts";
import type { TargetHandle } from "../../data/export/target-port.ts";
import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import { FailoverReport } from "./failover-report.ts";
import { FailoverStates } from "./failover-states.ts";

const RETURN_AFTER_MS = 600_000;

/** What a chooser asks of a target, beside what balancing does. */
class WholeTarget extends SetTarget {
  readonly key: string;
  readonly maxInFlight = 64;
  readonly parts = undefined;
  readonly whole = undefined;

  constructor(id: string) {
    super(id);
    this.key = id;
  }

  wantsProbe(): boolean {
    return false;
  }

  refuse(signal: Signal | undefined): void {
    this.away = signal === undefined ? 0 : SIGNAL_FACTS[signal].bit;
    this.tell();
  }
}

class ChoosingWorker {
  readonly targets = ["a", "b", "c"].map((id) => new WholeTarget(id));
  readonly #clock: ManualClock;
  readonly #chooser: Chooser;

  constructor(clock: ManualClock) {
    this.#clock = clock;
    const handles = this.targets as unknown as TargetHandle[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- all that is asked of it
    const strategy = { type: "failover", returnAfterMs: RETURN_AFTER_MS } as const;
    this.#chooser = new Chooser(handles, strategy, { random: seededRandom(1), weights: "fixed" });
  }

  pick(signal: Signal): string | undefined {
    return this.#chooser.choose(NO_HISTORY, this.#clock.nowMs(), signal)?.plan.id;
  }

  report(send: ConstructorParameters<typeof FailoverReport>[1]): FailoverReport {
    return new FailoverReport(this.#clock, send);
  }

  attend(report: FailoverReport): void {
    const nowMs = (): number => this.#clock.nowMs();
    report.attend({
      failovers: () => this.#chooser.failoversAt(nowMs()).map((one) => ({ ...one, pool: "p", lane: "all" })),
      followFailover: (failover) => this.#chooser.followFailover(failover, nowMs()),
    });
  }
}

class SignalsRig {
  readonly clock = new ManualClock();
  readonly workers: ChoosingWorker[] = [];
  readonly #reports: FailoverReport[] = [];
  readonly #states = new FailoverStates(
    2,
    () => this.clock.nowMs(),
    (index, message) => message.kind === "failovers" && this.#reports[index]?.told(message.failovers),
  );

  constructor() {
    this.#states.adopt(new Set(["p"]));
    for (const index of [0, 1]) this.begin(index, () => undefined);
  }

  /** A process takes the place of this one; `knows` is what it is told of health before. */
  begin(index: number, knows: (worker: ChoosingWorker) => void): void {
    const worker = new ChoosingWorker(this.clock);
    knows(worker);
    this.workers[index] = worker;
    const report = worker.report((message) => {
      if (message.kind === "failovers" && this.workers[index] === worker)
        this.#states.reported(index, message.failovers);
    });
    this.#reports[index] = report;
    this.#states.begin(index);
    worker.attend(report);
  }

  /** Health is the same in all. */
  each(what: (targets: readonly WholeTarget[]) => void): void {
    for (const { targets } of this.workers) what(targets);
    this.clock.advance(300);
  }

  picks(signal: Signal): (string | undefined)[] {
    return this.workers.map((worker) => worker.pick(signal));
  }
}

/** a takes no traces, and the first worker went over to c while b was out. */
function withTracesAtC(): SignalsRig {
  const rig = new SignalsRig();
  rig.each(([a]) => a!.refuse("traces"));
  rig.each(([, b]) => b!.eject("connect", Infinity));
  assert.equal(rig.workers[0]!.pick("traces"), "c");
  rig.each(([, b]) => b!.ready(rig.clock.nowMs()));
  return rig;
}

test("failover of a refused signal is the node's: who sends it later goes where the others do", () => {
  const rig = withTracesAtC();
  assert.deepEqual(rig.picks("traces"), ["c", "c"]);
  assert.deepEqual(rig.picks("logs"), ["a", "a"]);
});

test("failover of a refused signal: a worker that begins is where the others are", () => {
  const rig = withTracesAtC();
  rig.begin(1, ({ targets: [a] }) => a!.refuse("traces"));
  rig.clock.advance(300);
  assert.deepEqual(rig.picks("traces"), ["c", "c"]);
});

test("failover of a refused signal is over when it is taken again, and begins anew the next time", () => {
  const rig = withTracesAtC();
  rig.each(([a]) => a!.refuse(undefined));
  assert.deepEqual(rig.picks("traces"), ["a", "a"]);
  rig.each(([a]) => a!.refuse("traces"));
  assert.deepEqual(rig.picks("traces"), ["b", "b"]);
});

test("failover of a refused signal is over in a worker that sends nothing, too", () => {
  const rig = withTracesAtC();
  rig.each(([a]) => a!.refuse(undefined));
  rig.each(([a]) => a!.refuse("traces"));
  assert.equal(rig.workers[1]!.pick("traces"), "b");
  rig.clock.advance(300);
  assert.deepEqual(rig.picks("traces"), ["b", "b"]);
});

test("failover of a refused signal begins where the pool stands, and not with a target that came back just now", () => {
  const rig = new SignalsRig();
  rig.each(([a]) => a!.eject("connect", Infinity));
  assert.deepEqual(rig.picks("traces"), ["b", "b"]);
  rig.each(([a]) => a!.ready(rig.clock.nowMs()));
  rig.each(([, , c]) => c!.refuse("traces"));
  assert.deepEqual(
    [rig.picks("traces"), rig.picks("logs")],
    [
      ["b", "b"],
      ["b", "b"],
    ],
  );
});
