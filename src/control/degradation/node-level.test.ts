import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../core/random.ts";
import {
  DEGRADATION_LADDER,
  LEVEL_POLICY,
  levelAt,
  levelFrom,
  type NodeLevel,
  stepLevel,
  type Stress,
  stressOf,
} from "./node-level.ts";

const REST: Stress = { queue: 0, event_loop: 0, rss: 0, cpu: 0, export_errors: 0 };

/** Each second, from where it is. */
function hold(from: NodeLevel, stress: Stress, startMs: number, seconds: number): NodeLevel {
  let state = from;
  for (let i = 0; i <= seconds; i++) state = stepLevel(state, stress, startMs + i * 1_000);
  return state;
}

test("level: the worst signal counts, once it has lasted, and the reason says what would help", () => {
  const stress = { ...REST, cpu: 0.7, queue: 0.83 };
  assert.equal(hold(levelFrom(0), stress, 0, 9).level, 0);
  const state = hold(levelFrom(0), stress, 0, 10);
  assert.equal(state.level, 2);
  assert.equal(state.reason?.signal, "queue");
  assert.match(state.reason.help, /queue/u);
  assert.equal(DEGRADATION_LADDER.length, 6);
});

test("level: a peak that does not last changes nothing", () => {
  let state = levelFrom(0);
  for (let i = 0; i < 200; i++) state = stepLevel(state, { ...REST, event_loop: i % 8 === 0 ? 0.1 : 0.99 }, i * 1_000);
  assert.equal(state.level, 0);
});

test("level: what has not lasted does not count: the least of the time decides, and says why", () => {
  let state = levelFrom(0);
  for (let i = 0; i <= 10; i++) {
    const stress = { ...REST, queue: 0.83, event_loop: i === 0 || i === 10 ? 0.99 : 0 };
    state = stepLevel(state, stress, i * 1_000);
  }
  assert.deepEqual([state.level, state.reason?.signal], [2, "queue"]);
});

test("level: down one step at a time, each after its dwell", () => {
  let state = hold(levelFrom(0), { ...REST, rss: 1 }, 0, 10);
  assert.equal(state.level, 5);
  const levels: number[] = [];
  for (let i = 0; i < 400; i++) {
    state = stepLevel(state, REST, 20_000 + i * 1_000);
    if (state.level !== levels.at(-1)) levels.push(state.level);
  }
  assert.deepEqual(levels, [5, 4, 3, 2, 1, 0]);
  assert.equal(state.reason, undefined);
});

test("level: between the two thresholds it stays as it is", () => {
  const state = hold(levelFrom(0), { ...REST, cpu: 0.76 }, 0, 10);
  assert.equal(hold(state, { ...REST, cpu: 0.65 }, 20_000, 1_000).level, 1);
});

test("level: a load that is low only because of the level seldom flips it: the dwell doubles, up to 10 minutes", () => {
  let state = levelFrom(0);
  let changes = 0;
  for (let i = 0; i < 3_600; i++) {
    const next = stepLevel(state, { ...REST, cpu: state.level === 0 ? 0.8 : 0.4 }, i * 1_000);
    changes += next.level === state.level ? 0 : 1;
    state = next;
  }
  // It would be about a hundred with the same dwell each time.
  assert.ok(changes <= 18, `${changes} in an hour`);
  assert.equal(state.downMs, LEVEL_POLICY.mostDownMs);
});

test("level: after 10 calm minutes it is left as soon as the first time", () => {
  let state = hold(levelFrom(0), { ...REST, cpu: 0.76 }, 0, 10);
  state = hold(state, REST, 11_000, 61);
  state = hold(state, { ...REST, cpu: 0.76 }, 80_000, 10);
  assert.equal(state.downMs, 2 * LEVEL_POLICY.downMs);
  state = hold(state, REST, 100_000, 130);
  assert.equal(state.level, 0);
  state = hold(state, REST, 231_000, 601);
  assert.equal(state.downMs, LEVEL_POLICY.downMs);
});

test("level: who comes back step by step has come back once: it takes twice as long, not eight times", () => {
  let state = hold(levelFrom(0), { ...REST, cpu: 0.9 }, 0, 10);
  state = hold(state, REST, 11_000, 3 * 60 + 3);
  assert.deepEqual([state.level, state.downMs], [0, LEVEL_POLICY.downMs]);
  for (const [i, cpu] of [0.76, 0.83, 0.9].entries()) state = hold(state, { ...REST, cpu }, 200_000 + i * 20_000, 12);
  assert.deepEqual([state.level, state.downMs], [3, 2 * LEVEL_POLICY.downMs]);
});

test("level: with noise about a threshold it goes up no oftener than its times allow, and never more than one step down", () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0.3, max: 1, noNaN: true }), (seed, middle) => {
      const random = seededRandom(seed);
      let [state, changedMs] = [levelFrom(0), Number.NEGATIVE_INFINITY];
      for (let nowMs = 0; nowMs < 600_000; nowMs += 1_000) {
        const next = stepLevel(state, { ...REST, cpu: Math.min(1, middle + 0.2 * (random.next() - 0.5)) }, nowMs);
        if (next.level < state.level) {
          assert.equal(next.level, state.level - 1);
          assert.ok(nowMs - changedMs >= LEVEL_POLICY.downMs);
        }
        if (next.level > state.level) assert.ok(nowMs - changedMs >= LEVEL_POLICY.upMs);
        if (next.level !== state.level) changedMs = nowMs;
        assert.ok(next.level >= 0 && next.level <= 5);
        state = next;
      }
    }),
    { numRuns: 30 },
  );
});

test("level: readings are told in parts of the worst there is", () => {
  const stress = stressOf({ queue: 0.5, eventLoopMs: 250, rss: 0.75, cpu: -1, exportErrors: Number.NaN });
  assert.deepEqual(stress, { queue: 0.5, event_loop: 0.5, rss: 0.5, cpu: 0, export_errors: 0 });
});

test("level: what is no emergency of the node calls for level 3 at most", () => {
  const reading = { queue: 0, eventLoopMs: 0, rss: 0, cpu: 0, exportErrors: 0 };
  for (const [name, most] of [
    ["queue", 3],
    ["cpu", 3],
    ["exportErrors", 3],
    ["rss", 5],
  ] as const) {
    assert.equal(hold(levelFrom(0), stressOf({ ...reading, [name]: 1 }), 0, 10).level, most, name);
  }
  assert.equal(hold(levelFrom(0), stressOf({ ...reading, eventLoopMs: 600 }), 0, 10).level, 5);
});

test("level: one that somebody orders holds until its time is over, and then the measured one does", () => {
  const measured = hold(levelFrom(0), { ...REST, cpu: 0.76 }, 0, 10);
  const order = { level: 4, untilMs: 60_000, note: "the sinks are being moved" };
  assert.equal(levelAt(measured, order, 59_999), 4);
  assert.equal(levelAt(measured, order, 60_000), 1);
  assert.equal(levelAt(measured, undefined, 0), 1);
});
