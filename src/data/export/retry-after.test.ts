import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseHttpDate, retryAfterMs } from "./classify.ts";

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

const cases = [
  { name: "absent", value: undefined, want: undefined },
  { name: "zero seconds", value: "0", want: 0 },
  { name: "seconds", value: "7", want: 7_000 },
  { name: "seconds with blanks around them", value: " 7 ", want: 7_000 },
  { name: "a date ahead", value: "Sun, 22 Nov 2026 12:00:30 GMT", want: 30_000 },
  { name: "a date that has passed", value: "Sun, 22 Nov 2026 11:00:00 GMT", want: 0 },
  { name: "the obsolete RFC 850 form", value: "Sunday, 22-Nov-26 12:00:05 GMT", want: 5_000 },
  { name: "the asctime form", value: "Sun Nov 22 12:00:05 2026", want: 5_000 },
  { name: "negative seconds are unreadable", value: "-1", want: undefined },
  { name: "fractions are unreadable", value: "1.5", want: undefined },
  { name: "words are unreadable", value: "soon", want: undefined },
  { name: "an unknown month is unreadable", value: "Sun, 22 Foo 2026 12:00:30 GMT", want: undefined },
] as const;
for (const { name, value, want } of cases) {
  test(`Retry-After: ${name}`, () => {
    assert.equal(retryAfterMs(value, NOW), want);
  });
}

test("Retry-After: a year of two digits more than 50 years ahead is in the past", () => {
  assert.equal(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", NOW), Date.UTC(1994, 10, 6, 8, 49, 37));
});

test("Retry-After: dates agree with the platform for any second between 1970 and 2400", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 13_569_465_600 }), (seconds) => {
      const ms = seconds * 1_000;
      assert.equal(parseHttpDate(new Date(ms).toUTCString(), NOW), ms);
    }),
  );
});

test("of several the shortest that can be read counts, in a list or in one line", () => {
  const date = new Date(5_000).toUTCString();
  for (const several of [["7", "soon", "3"], "7, soon, 3", ["7,3"], [date, "3"], `${date}, 3`, `7, ${date}, 3`])
    assert.equal(retryAfterMs(several, 0), 3_000);
  assert.equal(retryAfterMs([date, "9"], 0), 5_000);
  assert.equal(retryAfterMs([], 0), undefined);
});
