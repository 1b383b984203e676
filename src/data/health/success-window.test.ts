import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SuccessWindow } from "./success-window.ts";

const aCall = fc.record({
  failed: fc.boolean(),
  passMs: fc.oneof(fc.integer({ max: 5, min: 0 }), fc.integer({ min: 0, max: 12_000 })),
});

test("the window counts the calls of the last 10 s, to 10 ms, and nothing else", () => {
  fc.assert(
    fc.property(fc.array(aCall, { maxLength: 300 }), (calls) => {
      const window = new SuccessWindow();
      const all: { readonly atMs: number; readonly failed: boolean }[] = [];
      let nowMs = 3;
      for (const { failed, passMs } of calls) {
        nowMs += passMs;
        all.push({ atMs: nowMs, failed });
        window.add(failed, nowMs);
        const within = (ms: number) => all.filter(({ atMs }) => nowMs - atMs < ms);
        const [least, most] = [within(9_990), within(10_000)];
        assert.ok(window.sends >= least.length && window.sends <= most.length);
        const failures = (some: typeof all): number => some.filter((call) => call.failed).length;
        assert.ok(window.failures >= failures(least) && window.failures <= failures(most));
      }
    }),
  );
});

test("a window that was cleared is as new", () => {
  const window = new SuccessWindow();
  for (let ms = 0; ms < 100; ms += 5) window.add(true, ms);
  assert.deepEqual([window.sends, window.failures], [20, 20]);
  window.clear();
  window.add(false, 100);
  assert.deepEqual([window.sends, window.failures], [1, 0]);
});

test("a call counts for as long as the 10 ms in which it ended are within 10 s, and not a slot longer or shorter", () => {
  const window = new SuccessWindow();
  window.add(true, 9);
  window.expire(9_999);
  assert.deepEqual([window.sends, window.failures], [1, 1]);
  window.expire(10_000);
  assert.deepEqual([window.sends, window.failures], [0, 0]);
});
