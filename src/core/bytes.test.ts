import assert from "node:assert/strict";
import { test } from "node:test";
import { allocBody, copyOwned, heldBytes, isHeldExactly, joinOwned, textOwned, viewBuffer } from "./bytes.ts";

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

test("bytes: short bodies lie next to each other, do not overlap, and keep little; long ones are alone", () => {
  const bodies = Array.from({ length: 1_000 }, (_, i) => allocBody((i * 37) % 5_000).fill(i % 251));
  for (const [i, body] of bodies.entries()) {
    assert.equal(body.length, (i * 37) % 5_000);
    assert.ok(
      body.every((byte) => byte === i % 251),
      `body ${i}`,
    );
    assert.ok(body.buffer.byteLength <= 16_384);
    if (body.length > 4_096) assert.equal(body.buffer.byteLength, body.length);
  }
  const held = new Set(bodies.map(({ buffer }) => buffer));
  const bytes = [...held].reduce((sum, buffer) => sum + buffer.byteLength, 0);
  assert.ok(bytes <= 1.3 * bodies.reduce((sum, body) => sum + body.length, 0), String(bytes));
});
