import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../core/random.ts";
import { backoffMs } from "./backoff.ts";

test("the backoff doubles from 250 ms to 10 s, and stays within 20 % of that", () => {
  const random = seededRandom(3);
  const nominal = [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000];
  for (const [at, wantMs] of nominal.entries()) {
    for (let times = 0; times < 50; times++) {
      const pauseMs = backoffMs(at + 1, random);
      assert.ok(pauseMs >= wantMs * 0.8 && pauseMs <= wantMs * 1.2);
    }
  }
  assert.ok(backoffMs(1_000_000, random) <= 12_000);
});
