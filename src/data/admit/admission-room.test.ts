import assert from "node:assert/strict";
import { test } from "node:test";
import type { WaitingReader } from "../../core/arena/extent.ts";
import { gate, head, opened, refused } from "../../../test/support/admission-rig.ts";

test("when little room is left all bodies wait but the oldest, and the next one when that has come", () => {
  const { admission, clock } = gate({ maxRequestBytes: 131_072, maxInFlightBytes: 262_144 });
  const [oldest, second, third] = [1, 2, 3].map(() => opened(admission.open(head(clock))));
  const told: string[] = [];
  const readerOf = (name: string): WaitingReader => ({ goOn: () => void told.push(name) });
  assert.equal(third!.holdBack(readerOf("third")), false, "there is room");
  for (const permit of [oldest!, second!, third!]) permit.grow(65_536);
  assert.deepEqual(
    [third!, second!, oldest!].map((permit) => permit.holdBack(readerOf(permit === third ? "third" : "second"))),
    [true, true, false],
  );
  assert.deepEqual([second!.isHeldBack, admission.pressedMs], [true, clock.nowMs()]);
  oldest!.whole();
  assert.deepEqual([told, second!.isHeldBack, third!.isHeldBack], [["second"], false, true], "it is the oldest now");
  assert.equal(second!.holdBack(readerOf("second")), false);
  oldest!.close();
  assert.deepEqual([told, admission.pressedMs], [["second", "third"], -Infinity], "two have room");
  second!.close();
  third!.close();
});

test("who waits for room goes on when the arena has it, in order, and not when it was closed meanwhile", () => {
  const { admission, clock } = gate({ maxRequestBytes: 131_072, maxInFlightBytes: 1_048_576 });
  const { arena } = admission;
  const permits = Array.from({ length: 4 }, () => opened(admission.open(head(clock))));
  const told: number[] = [];
  const body = arena.alloc(arena.capacityBytes - 262_144, true)!;
  for (const [i, permit] of [...permits.entries()].toReversed()) {
    assert.equal(permit.holdBack({ goOn: () => void told.push(i) }), i > 0);
  }
  permits[2]!.close();
  assert.deepEqual(told, []);
  body.release();
  assert.deepEqual(told, [1, 3]);
  for (const permit of permits) permit.close();
  assert.equal(arena.onLeft, undefined);
});

test("while bodies take all but the room of one request, only the oldest that is coming gets more, and nobody begins", () => {
  const { admission, clock, metrics } = gate({ maxRequestBytes: 131_072, maxInFlightBytes: 262_144 });
  const [oldest, other] = [opened(admission.open(head(clock))), opened(admission.open(head(clock)))];
  oldest.grow(100);
  other.grow(100);
  const { arena } = admission;
  const bodies = arena.alloc(arena.capacityBytes - 131_072, true) ?? assert.fail("the arena is empty");
  assert.deepEqual([oldest.mayPlace(65_536), other.mayPlace(1)], [true, false]);
  assert.equal(other.mayPlace(0), true);
  assert.equal(arena.alloc(1, true), undefined, "what is kept is in a row");
  assert.equal(refused(admission.open(head(clock))).reason, "memory");
  assert.equal(admission.refuseForRoom(1).reason, "memory");
  assert.equal(metrics.arenaNoRoom.with("full").value, 1);
  oldest.whole();
  assert.equal(other.mayPlace(1), true, "it is the oldest now");
  bodies.release();
  assert.equal(admission.open(head(clock)).kind, "permit");
});

test("what is acknowledged slows nobody, and has room of its own beside what comes", () => {
  const limits = { maxRequestBytes: 131_072, maxInFlightBytes: 1_048_576 };
  const { admission } = gate(limits);
  const { arena } = admission;
  assert.equal(arena.mayStayBytes, 262_144);
  assert.ok(arena.capacityBytes >= 131_072 + 1_048_576 + arena.mayStayBytes);
  const queued = Array.from({ length: 5 }, () => arena.alloc(65_536, true)!);
  assert.deepEqual(
    queued.map((body) => body.stay()),
    [true, true, true, true, false],
  );
  queued.pop()!.release();
  const whole = Array.from({ length: 11 }, () => arena.alloc(65_536, true)!);
  assert.equal(admission.full, false, "eleven of sixteen");
  whole.push(arena.alloc(65_536, true)!);
  assert.equal(admission.full, true);
  for (const body of [...queued, ...whole]) body.release();
  assert.deepEqual([arena.stayingBytes, arena.liveBytes], [0, 0]);
});

test("senders are slowed by what the arena holds of whole requests, also when their permits are closed, and told of room", () => {
  const { admission } = gate({ maxRequestBytes: 131_072, maxInFlightBytes: 262_144 });
  const { arena } = admission;
  const [whole, coming] = [arena.alloc(131_072, true)!, arena.alloc(131_072, false)!];
  assert.equal(admission.full, false);
  arena.complete(coming);
  assert.equal(admission.full, true);
  let told = 0;
  admission.onceRoom(() => void told++);
  whole.release();
  coming.release();
  assert.deepEqual([told, admission.full], [1, false]);
});
