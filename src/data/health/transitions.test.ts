import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { TARGET_STATES, type TargetState } from "../../plan/data-plane.ts";
import {
  addedHealth,
  DEFAULT_HEALTH,
  type Health,
  type HealthPolicy,
  initialHealth,
  isUnproven,
  isUsable,
  mayTry,
  nextChangeMs,
  shareOf,
  wantsProbe,
} from "./health.ts";
import { type HealthEvent, stepHealth } from "./step-health.ts";

const POLICY: HealthPolicy = { ...DEFAULT_HEALTH, check: { fall: 3, rise: 2, written: true } };
const UNWRITTEN: HealthPolicy = { ...DEFAULT_HEALTH, check: { fall: 3, rise: 2, written: false } };
/** All examples are in their state at this time, for long enough that a rest is over at END_MS. */
const NOW_MS = 100_000;
const FEW = { sends: 1, failures: 0 };

const common = { reason: "started", sinceMs: NOW_MS, epoch: 7, ejections: 1, checks: 0 } as const;
const EXAMPLES: Readonly<Record<TargetState, Health>> = {
  ready: { ...common, state: "ready", failures: 4, pausedUntilMs: NOW_MS, rampFromMs: -Infinity },
  ejected: { ...common, state: "ejected", nextTryMs: NOW_MS + 30_000, panicFromMs: NOW_MS, suspect: true },
  down: { ...common, state: "down", panicFromMs: NOW_MS },
  probing: { ...common, state: "probing", probeOut: false, suspect: true },
  drain: { ...common, state: "drain", untilMs: NOW_MS + 60_000 },
  maintenance: { ...common, state: "maintenance", untilMs: NOW_MS + 60_000 },
};

interface Input {
  readonly name: string;
  readonly event: HealthEvent;
  /** Active checks in a row before, when that matters. */
  readonly checks?: number;
  readonly afterMs?: number;
  readonly policy?: HealthPolicy;
  /** What is down is so by a check that nobody wrote, and that was answered with a refusal. */
  readonly refused?: boolean;
}

const failure: HealthEvent = { kind: "failure", epoch: 7, reason: "reset", jitter: 0, recent: FEW };
const poor = { sends: 20, failures: 10 };
const refused: HealthEvent = { kind: "refused", epoch: 7, jitter: 0, recent: FEW };
const INPUTS = {
  success: { event: { kind: "success", epoch: 7, recent: FEW } },
  "success, checks unwritten": { event: { kind: "success", epoch: 7, recent: FEW }, policy: UNWRITTEN },
  "success, rate poor": { event: { kind: "success", epoch: 7, recent: poor } },
  "5th failure in a row": { event: failure },
  refused: { event: refused },
  "refused, rate poor": { event: { ...refused, recent: poor } },
  throttled: { event: { kind: "throttled", epoch: 7, delayMs: 500 } },
  "throttled, checks unwritten": { event: { kind: "throttled", epoch: 7, delayMs: 500 }, policy: UNWRITTEN },
  "takes no signal": { event: { kind: "no_signal", epoch: 7, jitter: 0 } },
  neutral: { event: { kind: "neutral", epoch: 7 } },
  "old outcome": { event: { ...failure, epoch: 6 } },
  "time passes": { event: { kind: "tick" }, afterMs: 60_000 },
  "time passes, unwritten check refused": { event: { kind: "tick" }, afterMs: 60_000, refused: true },
  "unwritten check refused, 3rd time": {
    event: { kind: "check_failed", answered: true },
    checks: -2,
    policy: UNWRITTEN,
  },
  "time passes, checks fail": { event: { kind: "tick" }, afterMs: 60_000, checks: -3 },
  "1st check passes": { event: { kind: "check_passed" } },
  "rise checks pass": { event: { kind: "check_passed" }, checks: 1 },
  "1st check fails": { event: { kind: "check_failed" } },
  "fall checks fail": { event: { kind: "check_failed" }, checks: -2 },
  "1st check fails, silent": { event: { kind: "check_failed", silent: true } },
  "checks switched off": { event: { kind: "unchecked" } },
  "operator: ready": { event: { kind: "operator", override: "ready", untilMs: Infinity } },
  "operator: drain": { event: { kind: "operator", override: "drain", untilMs: Infinity } },
  "operator: maintenance": { event: { kind: "operator", override: "maintenance", untilMs: Infinity } },
} satisfies Record<string, Omit<Input, "name">>;

/**
 * One column for each state, in the order of TARGET_STATES. `.`: it stays; otherwise the state and
 * its reason.
 */
const TABLE: Readonly<Record<keyof typeof INPUTS, string>> = {
  success: ". | ready recovered | . | ready recovered | . | .",
  "success, checks unwritten": ". | ready recovered | ready recovered | ready recovered | . | .",
  "success, rate poor": "ejected success_rate | ready recovered | . | ready recovered | . | .",
  "5th failure in a row": "ejected reset | . | . | ejected reset | . | .",
  refused: ". | . | . | ejected success_rate | . | .",
  "refused, rate poor": "ejected success_rate | . | . | ejected success_rate | . | .",
  throttled: ". | ready recovered | . | ready recovered | . | .",
  "throttled, checks unwritten": ". | ready recovered | ready recovered | ready recovered | . | .",
  "takes no signal": "ejected no_signal | . | . | ejected no_signal | . | .",
  neutral: ". | . | . | . | . | .",
  "old outcome": ". | . | . | . | . | .",
  "time passes": ". | probing rest_over | . | . | ready expired | ready expired",
  "time passes, unwritten check refused":
    ". | probing rest_over | probing rest_over | . | ready expired | ready expired",
  "unwritten check refused, 3rd time": "down check_failed | down check_failed | . | . | . | .",
  "time passes, checks fail": ". | probing rest_over | . | . | down check_failed | down check_failed",
  "1st check passes": ". | . | . | . | . | .",
  "rise checks pass": ". | probing check_passed | ready check_passed | ready check_passed | . | .",
  "1st check fails": ". | . | . | . | . | .",
  "fall checks fail": "down check_failed | down check_failed | . | down check_failed | . | .",
  "1st check fails, silent": "down check_failed | down check_failed | . | down check_failed | . | .",
  "checks switched off": ". | . | probing unchecked | . | . | .",
  "operator: ready": ". | ready operator | ready operator | ready operator | ready operator | ready operator",
  "operator: drain": "drain operator | drain operator | drain operator | drain operator | . | drain operator",
  "operator: maintenance":
    "maintenance operator | maintenance operator | maintenance operator | maintenance operator | maintenance operator | .",
};

for (const [name, row] of Object.entries(TABLE)) {
  for (const [i, want] of row.split(" | ").entries()) {
    const state = TARGET_STATES[i]!;
    test(`${state}: ${name}: ${want === "." ? "stays" : want}`, () => {
      const {
        event,
        afterMs = 0,
        checks = 0,
        policy = POLICY,
        refused: halfOpen = false,
      }: Omit<Input, "name"> = INPUTS[name as keyof typeof INPUTS];
      const example = EXAMPLES[state];
      const before: Health =
        halfOpen && example.state === "down" ? { ...example, probeFromMs: NOW_MS + 30_000 } : { ...example, checks };
      const after = stepHealth(before, event, NOW_MS + afterMs, policy);
      if (want === ".") {
        assert.deepEqual([after.state, after.epoch, after.sinceMs], [state, 7, NOW_MS]);
        return;
      }
      assert.equal(`${after.state} ${after.reason}`, want);
      assert.deepEqual([after.epoch, after.sinceMs], [8, NOW_MS + afterMs]);
    });
  }
}

test("docs/health.md has the same table", () => {
  const page = readFileSync(new URL("../../../docs/health.md", import.meta.url), "utf8");
  for (const [name, row] of Object.entries(TABLE)) assert.ok(page.includes(`\n| ${name} | ${row} |\n`), name);
});

test("checks that passed all the time do not shorten an ejection, however many pass", () => {
  let health: Health = {
    ...EXAMPLES.ejected,
    state: "ejected",
    nextTryMs: NOW_MS + 30_000,
    panicFromMs: 0,
    suspect: false,
  };
  for (let i = 0; i < 100; i++) health = stepHealth(health, { kind: "check_passed" }, NOW_MS + i, POLICY);
  assert.equal(health.state, "ejected");
});

test("checks bring back what waits for a probe that nobody sends, only if they failed before, and not beside a probe", () => {
  const passTwice = (health: Health): Health => {
    const once = stepHealth(health, { kind: "check_passed" }, NOW_MS, POLICY);
    return stepHealth(once, { kind: "check_passed" }, NOW_MS, POLICY);
  };
  const waiting = { ...EXAMPLES.probing, state: "probing", probeOut: false, suspect: true } as const;
  assert.equal(passTwice(waiting).state, "ready");
  const proven = passTwice({ ...waiting, probeOut: true });
  assert.equal(proven.state, "probing", "the probe decides");
  const undecided = stepHealth(proven, { kind: "neutral", epoch: 7 }, NOW_MS, POLICY);
  assert.equal(stepHealth(undecided, { kind: "check_passed" }, NOW_MS, POLICY).state, "ready");
  let health: Health = { ...waiting, suspect: false };
  for (let i = 0; i < 100; i++) health = passTwice(health);
  assert.equal(health.state, "probing", "checks that passed all the time know nothing of what ails the calls");
});

test("passes that make a target wait for a probe are spent: as many more bring it back without one", () => {
  let health: Health = { ...EXAMPLES.ejected, ejections: 2 };
  const states: string[] = [];
  for (let i = 0; i < 8; i++) {
    health = stepHealth(health, { kind: "check_passed" }, NOW_MS, POLICY);
    states.push(health.state);
  }
  const [ejected, probing] = [Array<string>(3).fill("ejected"), Array<string>(4).fill("probing")];
  assert.deepEqual(states, [...ejected, ...probing, "ready"]);
});

test("refusals never eject in a row, however many, and do not end a row of failures either", () => {
  let health = EXAMPLES.ready;
  for (let i = 0; i < 100; i++) health = stepHealth(health, refused, NOW_MS, POLICY);
  assert.equal(health, EXAMPLES.ready);
  assert.equal(stepHealth(health, failure, NOW_MS, POLICY).state, "ejected");
});

test("after n ejections, n times as many checks have to pass in a row; one that fails begins again", () => {
  for (const ejections of [1, 2, 3, 10]) {
    let health: Health = { ...EXAMPLES.down, ejections };
    for (let i = 0; i < 2 * ejections - 1; i++) health = stepHealth(health, { kind: "check_passed" }, NOW_MS, POLICY);
    assert.equal(health.state, "down");
    const back = stepHealth(health, { kind: "check_passed" }, NOW_MS, POLICY);
    assert.deepEqual([back.state, back.reason, back.ejections], ["ready", "check_passed", ejections]);
    health = stepHealth(health, { kind: "check_failed" }, NOW_MS, POLICY);
    assert.equal(stepHealth(health, { kind: "check_passed" }, NOW_MS, POLICY).state, "down");
  }
});

test("a target that was added needs one check that passes, and is unproven until one has ended", () => {
  const added = addedHealth(NOW_MS);
  assert.deepEqual([added.state, isUsable(added, NOW_MS), isUnproven(added)], ["down", false, true]);
  const failed = stepHealth(added, { kind: "check_failed" }, NOW_MS, POLICY);
  assert.deepEqual([failed.state, isUnproven(failed)], ["down", false]);
  for (const before of [added, failed]) {
    const back = stepHealth(before, { kind: "check_passed" }, NOW_MS, POLICY);
    assert.deepEqual([back.state, back.reason, shareOf(back, NOW_MS, POLICY)], ["ready", "check_passed", 0.1]);
  }
});

test("one outage is one ejection: what is ejected and then found down counts once", () => {
  const out = stepHealth({ ...EXAMPLES.ready, ejections: 0, checks: -2 }, failure, NOW_MS, POLICY);
  const down = stepHealth(out, { kind: "check_failed" }, NOW_MS, POLICY);
  assert.deepEqual([out.state, out.ejections, down.state, down.ejections], ["ejected", 1, "down", 1]);
  const alone = stepHealth({ ...EXAMPLES.ready, ejections: 0, checks: -2 }, { kind: "check_failed" }, NOW_MS, POLICY);
  assert.deepEqual([alone.state, alone.ejections], ["down", 1]);
});

test("another expiry of the same operator's state takes its place and is no new state", () => {
  const longer = stepHealth(EXAMPLES.drain, { kind: "operator", override: "drain", untilMs: 900_000 }, NOW_MS, POLICY);
  assert.deepEqual([longer.epoch, nextChangeMs(longer, NOW_MS)], [7, 900_000]);
});

const anOverride = fc.record({
  kind: fc.constant("operator" as const),
  override: fc.constantFrom("ready" as const, "drain" as const, "maintenance" as const),
  untilMs: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 3_000_000 })),
});
const anEvent = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom("tick", "sent", "check_passed", "check_failed", "unchecked") }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom("success", "failure", "refused", "throttled", "neutral"),
      age: fc.integer({ min: 0, max: 2 }),
      delayMs: fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined }),
      recent: fc.constantFrom(FEW, poor),
    }),
  },
  { weight: 1, arbitrary: anOverride },
);
const aStep = fc.record({ event: anEvent, passMs: fc.integer({ min: 0, max: 20_000 }) });
const aWalk = fc.record({
  policy: fc.constantFrom(POLICY, UNWRITTEN, DEFAULT_HEALTH),
  added: fc.boolean(),
  steps: fc.array(aStep, { maxLength: 200 }),
});

/** Walks the machine; `look` sees each state, the one before it, and the time. */
function walk(
  { policy, added, steps }: typeof aWalk extends fc.Arbitrary<infer T> ? T : never,
  check: (after: Health, before: Health, nowMs: number) => void,
): { health: Health; nowMs: number } {
  let health = added && policy.check !== undefined ? addedHealth(0) : initialHealth(0);
  let nowMs = 0;
  for (const { event, passMs } of steps) {
    nowMs += passMs;
    const full = { epoch: health.epoch - ("age" in event ? event.age : 0), reason: "reset", jitter: 0.9, ...event };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- more fields than each kind needs
    const next = stepHealth(health, full as HealthEvent, nowMs, policy);
    check(next, health, nowMs);
    health = next;
  }
  return { health, nowMs };
}

test("health: any order of events leaves a valid state", () => {
  fc.assert(
    fc.property(aWalk, (run) => {
      walk(run, (after, before, nowMs) => {
        assert.ok(after.epoch === before.epoch || after.epoch === before.epoch + 1);
        assert.ok(after.epoch !== before.epoch || after.state === before.state);
        assert.ok(after.ejections >= 0 && after.ejections <= 10);
        assert.ok(after.checks >= -3 && after.checks <= 20);
        assert.ok(after.sinceMs <= nowMs);
        if (after.state === "ejected") assert.ok(after.nextTryMs - after.sinceMs <= 300_000);
        const share = shareOf(after, nowMs, run.policy);
        assert.ok(share >= 0.1 && share <= 1);
      });
    }),
  );
});

test("health: what operators took out is never usable, probed or tried, by nobody and for no reason", () => {
  fc.assert(
    fc.property(aWalk, (run) => {
      walk(run, (after, _before, nowMs) => {
        if (after.state !== "drain" && after.state !== "maintenance") return;
        assert.deepEqual([isUsable(after, nowMs), wantsProbe(after), mayTry(after, nowMs)], [false, false, false]);
      });
    }),
  );
});

test("health: an operator's state with an expiry ends at it", () => {
  fc.assert(
    fc.property(aWalk, anOverride, (run, override) => {
      const { health, nowMs } = walk(run, () => undefined);
      const out = stepHealth(health, override, nowMs, run.policy);
      if (out.state !== "drain" && out.state !== "maintenance") return;
      const endMs = Math.max(nowMs, out.untilMs);
      if (endMs === Infinity) {
        assert.equal(stepHealth(out, { kind: "tick" }, 1e12, run.policy), out);
        return;
      }
      const after = stepHealth(out, { kind: "tick" }, endMs, run.policy);
      assert.ok(after.state === "ready" || after.state === "down", after.state);
    }),
  );
});

test("health: waiting always leads to a try, unless an operator said otherwise", () => {
  fc.assert(
    fc.property(aWalk, (run) => {
      let { health, nowMs } = walk(run, () => undefined);
      for (let waits = 0; waits < 100; waits++) {
        if (health.state === "probing" || isUsable(health, nowMs)) return;
        const changeMs = nextChangeMs(health, nowMs);
        if (changeMs === Infinity && (health.state === "drain" || health.state === "maintenance")) return;
        // What is down is asked all the time.
        if (changeMs === Infinity) health = stepHealth(health, { kind: "check_passed" }, nowMs, run.policy);
        else nowMs = Math.max(nowMs, changeMs);
        health = stepHealth(health, { kind: "tick" }, nowMs, run.policy);
      }
      assert.fail(`still ${health.state}`);
    }),
  );
});
