import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ArenaExtent } from "./arena-extent.ts";
import { Arena } from "./arena.ts";
import type { Extent } from "./extent.ts";

/** Small, so that borders are met often. */
const CHUNK = 64;

const anyStep = fc.record({
  what: fc.constantFrom("alloc", "alloc", "grow", "trim", "retain", "stay", "lend", "lengthen", "release", "release"),
  who: fc.nat(11),
  length: fc.oneof(fc.nat(CHUNK), fc.nat(5 * CHUNK)),
  whole: fc.boolean(),
});

interface Known {
  readonly extent: Extent;
  uses: number;
  /** What its bytes should be: each has a value of its own. */
  readonly value: number;
  /** What it takes: of a short one all that it took at first, of a long one what is left of it. */
  span: number;
  stays: boolean;
}

test("whatever is taken and given back: nobody's bytes change, the counts are right, and in the end all is free", () => {
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 300 }),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      (steps, chunks, takesMore) => {
        const arena = new Arena(chunks * CHUNK, { chunkBytes: CHUNK, debug: true });
        arena.mayStayBytes = 3 * CHUNK;
        arena.takesMore = takesMore;
        if (chunks > 4) arena.keepSpare(2 * CHUNK);
        const known = new Map<number, Known>();
        for (const [i, step] of steps.entries()) {
          apply(arena, known, { ...step, value: i % 200 });
          check(arena, [...known.values()]);
        }
        for (const { extent, uses } of known.values()) for (let i = 0; i < uses; i++) extent.release();
        assert.deepEqual(
          [arena.usedBytes, arena.liveBytes, arena.partialBytes, arena.stayingBytes, arena.leaks],
          [0, 0, 0, 0, []],
        );
        arena.lendSpare();
        assert.ok(arena.alloc(chunks * CHUNK, true) !== undefined, "all of it can be had in one piece");
      },
    ),
  );
});

type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T & { readonly value: number } : never;

function apply(arena: Arena, known: Map<number, Known>, { what, who, length, whole, value }: Step): void {
  const one = known.get(who);
  if (what === "alloc") {
    const extent = one === undefined ? arena.alloc(length, whole) : undefined;
    if (extent === undefined) return;
    extent.bytes.fill(value);
    known.set(who, { extent, uses: 1, value, span: length, stays: false });
  } else if (one === undefined) {
    return;
  } else if (one.stays && (what === "grow" || what === "trim")) {
    return;
  } else if (what === "grow") {
    const { length: before } = one.extent.bytes;
    if (length < before || !arena.grow(one.extent, length, before)) return;
    one.extent.bytes.fill(one.value, before);
    one.span = length;
  } else if (what === "trim") {
    const left = Math.min(length, one.extent.bytes.length);
    arena.trim(one.extent, left);
    if (one.span >= CHUNK) one.span = Math.max(CHUNK, left);
  } else if (what === "lengthen") {
    lengthen(arena, one, length);
  } else if (what === "retain") {
    one.extent.retain();
    one.uses++;
  } else if (what === "lend") {
    arena.lendSpare();
  } else if (what === "stay") {
    // Nothing is moved any more then.
    if (one.extent.stay()) one.stays = true;
  } else {
    one.extent.release();
    if (--one.uses === 0) known.delete(who);
  }
}

/** What it was is its end then. */
function lengthen(arena: Arena, { extent, value }: Known, more: number): void {
  const before = extent.bytes.length;
  if (arena.lengthen(extent, before + more) === undefined) {
    assert.equal(extent.bytes.length, before);
    return;
  }
  assert.equal(extent.bytes.length, before + more);
  extent.bytes.fill(value, 0, more);
}

function check(arena: Arena, known: readonly Known[]): void {
  const touched = new Set<number>();
  const staying = new Set<number>();
  for (const { extent, value, span, stays } of known) {
    const { bytes } = extent;
    assert.ok(
      bytes.every((byte) => byte === value),
      "its bytes are as they were written",
    );
    // Where room is left before bodies, their places say what they take.
    const place = arena.takesMore && extent instanceof ArenaExtent ? extent : undefined;
    const start = place?.start ?? bytes.byteOffset;
    const last = start + Math.max(1, place?.size ?? span) - 1;
    for (let chunk = Math.floor(start / CHUNK); chunk <= Math.floor(last / CHUNK); chunk++) {
      touched.add(chunk);
      if (stays) staying.add(chunk);
    }
  }
  assert.equal(arena.usedBytes + arena.freeBytes, arena.capacityBytes);
  assert.equal(arena.stayingBytes, staying.size * CHUNK);
  assert.ok(arena.stayingBytes <= arena.mayStayBytes);
  assert.equal(arena.usedBytes, touched.size * CHUNK, "what nobody is in is free");
}
