import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceOf } from "./server-time.ts";

const SERVER_MS = Date.parse("2026-11-29T04:20:00Z");
const DATE = "Sun, 29 Nov 2026 04:20:00 GMT";

test("server time: the same within a second and the time of the call", () => {
  const between = { askedMs: SERVER_MS + 300, answeredMs: SERVER_MS + 500 };
  assert.deepEqual(differenceOf(DATE, between), { leastMs: -500, mostMs: 700 });
});

test("server time: what is certain of one that is ahead, and of one that is behind", () => {
  const at = (ms: number): object | undefined => differenceOf(DATE, { askedMs: ms - 100, answeredMs: ms });
  assert.deepEqual(at(SERVER_MS - 5_000), { leastMs: 5_000, mostMs: 6_100 });
  assert.deepEqual(at(SERVER_MS + 5_000), { leastMs: -5_000, mostMs: -3_900 });
});

test("server time: no date says nothing", () => {
  const between = { askedMs: 0, answeredMs: 1 };
  assert.deepEqual([differenceOf(undefined, between), differenceOf("soon", between)], [undefined, undefined]);
});
