import assert from "node:assert/strict";
import { test } from "node:test";
import { createSteppedClock } from "./stepped-clock.ts";

test("a stepped clock stands still until it is told to go on, and runs what falls due in order, each at its time", () => {
  const clock = createSteppedClock();
  const ran: string[] = [];
  const note = (name: string) => (): void => void ran.push(`${name}@${clock.nowMs()}`);
  clock.after(20, note("later"));
  clock.after(10, () => {
    note("first")();
    clock.after(5, note("nested"));
  });
  clock.after(10, note("cancelled"))();
  clock.step(9);
  assert.deepEqual([clock.nowMs(), ran], [9, []]);
  const wall = clock.wallMs();
  clock.step(100);
  assert.deepEqual([clock.nowMs(), clock.wallMs() - wall], [109, 100]);
  assert.deepEqual(ran, ["first@10", "nested@15", "later@20"]);
});
