import assert from "node:assert/strict";
import { test } from "node:test";
import { copyOwned, heldBytes, isHeldExactly, joinOwned, textOwned, viewBuffer } from "./bytes.ts";

const pooled = Buffer.from("some text");

const owned = [
  ["a copy", copyOwned(pooled), "some text"],
  ["a text", textOwned("some text"), "some text"],
  ["a join", joinOwned([pooled, pooled.subarray(0, 4)]), "some textsome"],
  ["a join of one", joinOwned([pooled]), "some text"],
] as const;
for (const [name, bytes, want] of owned) {
  test(`bytes: ${name} keeps nothing alive but itself`, () => {
    assert.equal(bytes.toString(), want);
    assert.equal(bytes.buffer.byteLength, bytes.length);
  });
}

test("bytes: a view is of the same memory, from where it begins", () => {
  const bytes = new Uint8Array(Uint8Array.from([1, 2, 3, 4]).buffer, 1, 3);
  const view = viewBuffer(bytes, 1);
  assert.deepEqual([...view], [3, 4]);
  assert.equal(view.buffer, bytes.buffer);
});

test("bytes: what several pieces share is held once, and held exactly means next to nothing beside them", () => {
  const whole = new Uint8Array(1_000);
  const other = new Uint8Array(100);
  assert.equal(heldBytes([whole.subarray(0, 10), other, whole.subarray(10, 20)]), 1_100);
  assert.ok(isHeldExactly([whole.subarray(0, 500), whole.subarray(500)], 1_000));
  assert.ok(!isHeldExactly([whole.subarray(0, 500)], 500));
});
