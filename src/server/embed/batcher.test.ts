import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { type BatcherOptions, openBatcher } from "./batcher.ts";

/** A batcher of letters, and what its handler was given. */
function openLetters(options: Partial<BatcherOptions> = {}, handle?: (batch: string[]) => void | Promise<void>) {
  const clock = new ManualClock();
  const batches: string[] = [];
  const failures: string[] = [];
  const batcher = openBatcher<string>(
    { maxBatchSize: 3, maxWaitTime: 200, clock, ...options },
    {
      handle(batch) {
        batches.push(batch.join(""));
        return handle?.(batch);
      },
      failed: (error, batch) => void failures.push(`${batch.join("")}: ${String(error)}`),
    },
  );
  return { clock, batches, failures, batcher };
}

/** Lets whatever is due in this turn happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("a batch leaves with its last item, in the order of adding, and what is over begins the next one", async () => {
  const { clock, batches, batcher } = openLetters();
  for (const letter of "abcdefg") void batcher.add(letter);
  await turn();
  assert.deepEqual(batches, ["abc", "def"]);
  assert.equal(batcher.size, 1);
  assert.equal(clock.pending, 1, "only what fills has a timer");
});

test("a batch that does not fill leaves when its first item has waited for the time, and not later for those after", async () => {
  const { clock, batches, batcher } = openLetters();
  void batcher.add("a");
  clock.advance(150);
  void batcher.add("b");
  clock.advance(49);
  await turn();
  assert.deepEqual(batches, []);
  clock.advance(1);
  await turn();
  assert.deepEqual(batches, ["ab"]);
  clock.advance(10_000);
  await turn();
  assert.deepEqual(batches, ["ab"], "no batch is empty");
});

test("a batch that was full does not leave a timer behind that cuts the next one short", async () => {
  const { clock, batches, batcher } = openLetters();
  for (const letter of "abc") void batcher.add(letter);
  clock.advance(199);
  void batcher.add("d");
  clock.advance(199);
  await turn();
  assert.deepEqual(batches, ["abc"]);
  clock.advance(1);
  await turn();
  assert.deepEqual(batches, ["abc", "d"]);
});

test("a flush hands over what was taken, resolves when it is handled, and leaves no timer", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, batches, batcher } = openLetters({}, () => promise);
  void batcher.add("a");
  let flushed = false;
  const flush = batcher.flush().finally(() => void (flushed = true));
  await turn();
  assert.deepEqual([batches, flushed, clock.pending], [["a"], false, 0]);
  resolve();
  await flush;
  await batcher.flush();
  assert.deepEqual(batches, ["a"], "nothing was left to hand over");
});

test("a handler that lags is given one batch at a time, and whoever adds waits where the batches are too many", async () => {
  const ends: (() => void)[] = [];
  const slow = (): Promise<void> => new Promise((resolve) => void ends.push(resolve));
  const { batches, batcher } = openLetters({ maxBatchSize: 1, maxWaitingBatches: 2 }, slow);
  await batcher.add("a");
  await turn();
  await batcher.add("b");
  await batcher.add("c");
  const taken: string[] = [];
  const waits = ["d", "e"].map((letter) => batcher.add(letter).then(() => taken.push(letter)));
  await turn();
  assert.deepEqual([batches, taken, batcher.size], [["a"], [], 2]);
  ends.shift()!();
  await turn();
  assert.deepEqual([batches, taken, batcher.size], [["a", "b"], ["d"], 2]);
  while (ends.length > 0) {
    ends.shift()!();
    await turn();
  }
  await Promise.all(waits);
  assert.deepEqual([batches.join(""), taken], ["abcde", ["d", "e"]]);
});

for (const [how, fail] of [
  ["throws", () => assert.fail("no")],
  ["rejects", () => Promise.reject(new Error("no"))],
] as const) {
  test(`a handler that ${how} is told of with its batch, the next batch follows, and a flush resolves`, async () => {
    const { batches, failures, batcher } = openLetters({}, ([first]) => (first === "a" ? fail() : undefined));
    for (const letter of "abcdef") void batcher.add(letter);
    await batcher.flush();
    assert.deepEqual(batches, ["abc", "def"]);
    assert.equal(failures.length, 1);
    assert.match(failures[0]!, /^abc: .*no$/u);
  });
}

test("disposing hands over what is left and waits for it; from then on nothing is taken, nor what waits for a place", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, batches, batcher } = openLetters({ maxBatchSize: 1, maxWaitingBatches: 1 }, () => promise);
  await batcher.add("a");
  await turn();
  await batcher.add("b");
  const outside = assert.rejects(batcher.add("c"), /this batcher is closed/u);
  const closed = batcher[Symbol.asyncDispose]();
  await outside;
  await assert.rejects(batcher.add("d"), TypeError);
  resolve();
  await closed;
  assert.deepEqual([batches, batcher.size, clock.pending], [["a", "b"], 0, 0]);
});

for (const options of [
  { maxBatchSize: 0 },
  { maxBatchSize: 1.5 },
  { maxWaitTime: -1 },
  { maxWaitTime: Number.NaN },
  { maxWaitTime: 2 ** 31 },
  { maxWaitingBatches: 0 },
]) {
  test(`a batcher with ${JSON.stringify(options)} is refused`, () => {
    assert.throws(() => openLetters(options), RangeError);
  });
}
