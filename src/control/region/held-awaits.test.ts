import assert from "node:assert/strict";
import test from "node:test";
import { seededRandom } from "../../core/random.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { AwaitReply, AwaitRequest } from "../fleet/messages.ts";
import { type AwaitAnswer, HELD, HeldAwaits } from "./held-awaits.ts";

const NEVER = new AbortController().signal;
const NOTHING: AwaitReply = { protocol: 1, directives: [] };
const NOT_LEADER = { protocol: 1, not_leader: true } as const;

class Rig {
  readonly clock = new ManualClock();
  readonly held: HeldAwaits;
  readonly answered: string[] = [];

  answers(): number {
    return this.answered.length;
  }

  constructor(most = 1_000) {
    this.held = new HeldAwaits({ clock: this.clock, random: seededRandom(3), most });
  }

  async hold(id: string, signal = NEVER): Promise<AwaitAnswer> {
    const request: AwaitRequest = { protocol: 1, id, known: {} };
    const answer = await this.held.hold(request, signal);
    this.answered.push(id);
    return answer;
  }
}

/** Lets all run that is ready. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("await: a call is answered with nothing after 20 to 30 s, not all at the same time", async () => {
  const rig = new Rig();
  const calls = Array.from({ length: 50 }, (_, at) => rig.hold(`n${at}`));
  rig.clock.advance(HELD.leastMs - 1);
  await settle();
  assert.equal(rig.answers(), 0);
  rig.clock.advance((HELD.mostMs - HELD.leastMs) / 2);
  await settle();
  const halfway = rig.answers();
  assert.ok(halfway > 5 && halfway < 45, `${halfway} of 50`);
  rig.clock.advance(HELD.mostMs);
  assert.deepEqual(
    await Promise.all(calls),
    calls.map(() => NOTHING),
  );
  assert.deepEqual([rig.held.size, rig.clock.pending], [0, 0]);
});

test("await: what there is goes to those for whom it is new, and the others go on waiting", async () => {
  const rig = new Rig();
  const a = rig.hold("a");
  void rig.hold("b");
  const answer: AwaitReply = { protocol: 1, directives: [] };
  rig.clock.advance(4_000);
  const heldMs: number[] = [];
  let turn = 0;
  await rig.held.release((_, ms) => {
    heldMs.push(ms);
    return turn++ === 0 ? answer : undefined;
  });
  assert.equal(await a, answer);
  assert.deepEqual(heldMs, [4_000, 4_000]);
  assert.equal(rig.held.size, 1);
});

test("await: another call of the same collector takes the place of the one before", async () => {
  const rig = new Rig();
  const first = rig.hold("a");
  const second = rig.hold("a");
  assert.deepEqual(await first, NOTHING);
  assert.equal(rig.held.size, 1);
  rig.held.endAll(NOT_LEADER);
  assert.deepEqual(await second, NOT_LEADER);
});

test("await: whose peer has gone is not held any more, and leaves nothing behind", async () => {
  const rig = new Rig();
  const peer = new AbortController();
  const call = rig.hold("a", peer.signal);
  peer.abort();
  assert.deepEqual(await call, NOTHING);
  assert.deepEqual([rig.held.size, rig.clock.pending], [0, 0]);
});

test("await: more than so many are answered at once", async () => {
  const rig = new Rig(1);
  void rig.hold("a");
  assert.deepEqual(await rig.hold("b"), NOTHING);
  assert.equal(rig.held.size, 1);
});

test("await: thousands are answered some hundreds in a turn, each once", async () => {
  const rig = new Rig();
  const calls = Array.from({ length: 500 }, (_, at) => rig.hold(`n${at}`));
  const releasing = rig.held.release(() => NOTHING);
  await settle();
  const inTheFirst = rig.answers();
  assert.ok(inTheFirst > 0 && inTheFirst <= 200, String(inTheFirst));
  for (let turn = 0; turn < 3; turn++) {
    rig.clock.advance(1);
    await settle();
  }
  await releasing;
  await Promise.all(calls);
  assert.equal(new Set(rig.answered).size, 500);
});
