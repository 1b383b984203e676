import assert from "node:assert/strict";
import { test } from "node:test";
import { reconnectDelayMs } from "./reconnect.ts";

test("reconnecting: a small region comes back within a second, a large one over the time that its controller needs", () => {
  const last = { next: () => 0.999_999 };
  assert.ok(reconnectDelayMs(0, 10, last) <= 500);
  assert.ok(reconnectDelayMs(0, 10_000, last) > 10_000 / 0.15, "150 a second");
  assert.ok(reconnectDelayMs(0, 1_000_000, last) <= 120_000);
  assert.ok(reconnectDelayMs(30, 1, last) <= 3_000, "whoever leads next is found soon");
  assert.ok(reconnectDelayMs(30, 1, last, "refused") > 100_000, "who is not wanted asks more and more seldom");
  assert.equal(reconnectDelayMs(5, 10_000, { next: () => 0 }), 0);
});
