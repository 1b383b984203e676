import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { Silence, SILENT_MS } from "./silence.ts";

function watched(): { readonly clock: ManualClock; readonly silence: Silence; readonly told: number[] } {
  const clock = new ManualClock();
  const told: number[] = [];
  const silence = new Silence(clock, () => told.push(clock.nowMs()));
  return { clock, silence, told };
}

test("silence: a call without an answer is noticed after its time, once; one that is answered never", () => {
  const { clock, silence, told } = watched();
  silence.sent(clock.nowMs());
  clock.advance(SILENT_MS - 1);
  assert.equal(silence.lasts, false);
  clock.advance(1);
  assert.deepEqual(told, [SILENT_MS]);
  assert.equal(silence.lasts, true);
  clock.advance(60_000);
  assert.equal(told.length, 1);
  silence.ended("heard");
  assert.equal(silence.lasts, false);
  silence.sent(clock.nowMs());
  silence.ended("heard");
  clock.advance(60_000);
  assert.equal(told.length, 1);
  assert.equal(clock.pending, 0);
});

test("silence: as long as some calls are answered there is none, however long others wait", () => {
  const { clock, silence, told } = watched();
  silence.sent(clock.nowMs());
  for (let i = 0; i < 100; i++) {
    silence.sent(clock.nowMs());
    clock.advance(SILENT_MS / 2);
    silence.ended("heard");
  }
  assert.deepEqual(told, []);
  clock.advance(SILENT_MS * 2);
  assert.equal(silence.lasts, true);
  assert.equal(told.length, 1);
});

test("silence: calls that were given up one after the other are one silence, until a check or a call is answered", () => {
  const { clock, silence, told } = watched();
  for (let i = 0; i < 5; i++) {
    silence.sent(clock.nowMs());
    clock.advance(500);
    silence.ended("timeout");
  }
  assert.equal(silence.lasts, true);
  assert.equal(told.length, 1);
  silence.heard();
  assert.equal(silence.lasts, false);
  silence.sent(clock.nowMs());
  clock.advance(SILENT_MS - 1);
  silence.close();
  clock.advance(SILENT_MS);
  assert.equal(told.length, 1);
  assert.equal(clock.pending, 0);
});

test("silence: who wants no answer any more is owed none", () => {
  const { clock, silence, told } = watched();
  silence.sent(clock.nowMs());
  silence.sent(clock.nowMs());
  clock.advance(SILENT_MS / 2);
  silence.ended("cancelled");
  assert.equal(clock.pending, 1);
  silence.ended("cancelled");
  assert.equal(clock.pending, 0);
  silence.sent(clock.nowMs());
  clock.advance(SILENT_MS / 2);
  assert.deepEqual([silence.lasts, told.length], [false, 0]);
});
