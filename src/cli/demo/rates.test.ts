import assert from "node:assert/strict";
import { test } from "node:test";
import { Rates } from "./rates.ts";

test("a rate is that of the window, and 0 before anything is known", () => {
  const rates = new Rates(2_000);
  assert.equal(rates.perSecond("a"), 0);
  for (let second = 0; second <= 10; second++) {
    rates.add(second * 1_000, new Map([["a", second < 6 ? 0 : (second - 5) * 100]]));
  }
  assert.equal(rates.perSecond("a"), 100);
  assert.equal(rates.perSecond("never seen"), 0);
});
