import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../random.ts";
import { Arena, CHUNK_BYTES } from "./arena.ts";
import type { Extent } from "./extent.ts";
import { POISON } from "./watch.ts";

/** Small, so that borders are met often. */
const CHUNK = 64;

function arenaOf(chunks: number, debug = true): Arena {
  return new Arena(chunks * CHUNK, { chunkBytes: CHUNK, debug });
}

function taken(arena: Arena, length: number, whole = true): Extent {
  return arena.alloc(length, whole) ?? assert.fail(`no room for ${length} bytes`);
}

function chunkOf({ bytes }: Extent): number {
  return Math.floor(bytes.byteOffset / CHUNK);
}

test("short bodies lie one after the other, and fill is that of chunks", () => {
  const arena = new Arena(4 * CHUNK_BYTES);
  const bodies = [1_000, 3, 2_000].map((length) => taken(arena, length));
  assert.deepEqual(
    bodies.map(({ bytes }) => [bytes.byteOffset, bytes.length]),
    [
      [0, 1_000],
      [1_000, 3],
      [1_008, 2_000],
    ],
  );
  assert.deepEqual([arena.usedBytes, arena.liveBytes], [CHUNK_BYTES, 3_008]);
  for (const body of bodies) body.release();
  assert.deepEqual([arena.usedBytes, arena.liveBytes], [0, 0]);
});

test("a body lies over the border of two chunks when the next one is free", () => {
  const arena = arenaOf(3);
  const [first, second, third] = [taken(arena, 40), taken(arena, 40), taken(arena, 40)];
  assert.deepEqual(
    [first, second, third].map(({ bytes }) => bytes.byteOffset),
    [0, 40, 80],
  );
  assert.equal(arena.usedBytes, 2 * CHUNK);
  first.release();
  assert.equal(arena.usedBytes, 2 * CHUNK, "the second is in it, too");
  second.release();
  assert.equal(arena.usedBytes, CHUNK);
  third.release();
  assert.equal(arena.usedBytes, 0);
});

test("what was given back last is used first, and long bodies are at the other end", () => {
  const arena = arenaOf(8);
  const [short, long] = [taken(arena, 10), taken(arena, 2 * CHUNK)];
  assert.deepEqual([chunkOf(short), chunkOf(long)], [0, 6]);
  short.release();
  const again = taken(arena, 10);
  assert.equal(chunkOf(again), 0);
  long.release();
  const more = Array.from({ length: 6 }, () => taken(arena, CHUNK - 8));
  assert.ok(Math.max(...more.map(chunkOf)) < 7, "those of the run come last");
});

test("what stays is charged all chunks that it is in, and only as much may stay as is said", () => {
  const arena = arenaOf(8);
  arena.mayStayBytes = 4 * CHUNK;
  const [one, other, long, more] = [taken(arena, 8), taken(arena, 8), taken(arena, 3 * CHUNK), taken(arena, CHUNK - 8)];
  assert.deepEqual([one.stay(), arena.stayingBytes], [true, CHUNK]);
  assert.deepEqual([other.stay(), arena.stayingBytes], [true, CHUNK], "it is beside it");
  assert.deepEqual([long.stay(), long.stay(), arena.stayingBytes], [true, true, 4 * CHUNK]);
  assert.equal(more.stay(), false, "it is over the border to another chunk");
  one.release();
  assert.equal(arena.stayingBytes, 4 * CHUNK);
  other.release();
  assert.deepEqual([arena.stayingBytes, more.stay(), arena.stayingBytes], [3 * CHUNK, false, 3 * CHUNK]);
  long.release();
  assert.deepEqual([arena.stayingBytes, arena.outlivingBytes, more.stay()], [0, 0, true]);
  more.release();
  assert.deepEqual([arena.stayingBytes, arena.outlivingBytes], [0, 0]);
});

test("what is in a chunk of which less than a quarter is in use is sparse, and what is little of its body", () => {
  const arena = arenaOf(8);
  const [small, rest, border, long] = [taken(arena, 8), taken(arena, 48), taken(arena, 16), taken(arena, 2 * CHUNK)];
  assert.deepEqual([small.isSparse(8), border.isSparse(16)], [false, true], "of the second chunk 8 bytes are used");
  assert.deepEqual(
    [long.isSparse(2 * CHUNK), long.isSparse(CHUNK / 2), long.isSparse(CHUNK / 2 - 1)],
    [false, false, true],
  );
  assert.equal(rest.isSparse(11), true);
  rest.release();
  assert.equal(small.isSparse(8), false, "8, and 8 of the one over the border");
  border.release();
  assert.equal(small.isSparse(8), true);
  for (const one of [small, long]) one.release();
});

test("a row of chunks is kept for who comes first, is free until then, and is kept again when there is one", () => {
  const arena = arenaOf(6);
  arena.keepSpare(3 * CHUNK - 1);
  assert.deepEqual([arena.usedBytes, arena.freeBytes], [0, 6 * CHUNK]);
  const others = [taken(arena, CHUNK), taken(arena, CHUNK), taken(arena, CHUNK)];
  assert.equal(arena.alloc(1, true), undefined, "others get none of it");
  assert.equal(arena.usedBytes, 3 * CHUNK);
  assert.equal(arena.lendSpare(), true);
  const first = taken(arena, 3 * CHUNK, false);
  assert.deepEqual([arena.lendSpare(), arena.freeBytes], [false, 0]);
  for (const other of others) other.release();
  assert.equal(arena.alloc(1, true), undefined, "it is kept for the next one");
  assert.equal(arena.lendSpare(), true);
  const next = taken(arena, 3 * CHUNK, false);
  first.release();
  next.release();
  assert.deepEqual([arena.usedBytes, arena.leaks], [0, []]);
});

test("what comes slowly is not beside what has come", () => {
  const arena = arenaOf(4);
  const [whole, slow] = [taken(arena, 8), taken(arena, 8, false)];
  assert.notEqual(chunkOf(whole), chunkOf(slow));
  whole.release();
  assert.equal(arena.usedBytes, CHUNK);
});

test("an extent is free when all who retained it have released it", () => {
  const arena = arenaOf(2);
  const body = taken(arena, 10);
  body.retain();
  body.release();
  assert.equal(arena.usedBytes, CHUNK);
  body.release();
  assert.equal(arena.usedBytes, 0);
  assert.equal(body.bytes.length, 0, "nobody can read on by it");
});

test("its view is let go of with the first release, and made anew; ranges of it are views of the same bytes", () => {
  const arena = arenaOf(2);
  const body = taken(arena, 10);
  body.bytes.set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const before = body.bytes;
  assert.equal(body.bytes, before);
  body.retain();
  body.release();
  assert.notEqual(body.bytes, before);
  assert.deepEqual([...body.bytes], [...before]);
  assert.deepEqual([...body.view(2, 5)], [2, 3, 4]);
  body.release();
  assert.throws(() => body.view(2, 5), /read after its end/u);
});

test("bodies lie as densely as at first when all before them have gone, one after the other", () => {
  const arena = arenaOf(200);
  const fill = (): Extent[] => Array.from({ length: 100 }, () => taken(arena, 40));
  for (const body of fill()) body.release();
  const again = fill();
  assert.ok(arena.usedBytes <= 1.2 * 100 * 40, `${arena.usedBytes} bytes of chunks for 4,000 of bodies`);
  for (const body of again.toReversed()) body.release();
  fill();
  assert.ok(arena.usedBytes <= 1.2 * 100 * 40, "whatever their order");
});

test("a steady load stays where it is: it does not wander through an arena that it does not need", () => {
  const arena = new Arena(2_000 * CHUNK_BYTES);
  const random = seededRandom(1);
  const bodies: Extent[] = [];
  let highest = 0;
  for (let round = 0; round < 50_000; round++) {
    const body = taken(arena, 3_700, false);
    arena.complete(body);
    highest = Math.max(highest, Math.floor(body.bytes.byteOffset / CHUNK_BYTES));
    bodies.push(body);
    // About in order, as answers come.
    if (bodies.length > 32) bodies.splice(Math.floor(random.next() * 8), 1)[0]!.release();
  }
  assert.ok(highest < 100, `up to chunk ${highest}`);
});

test("a body that grows moves, and keeps what has come of it", () => {
  const arena = arenaOf(8);
  const body = taken(arena, 10, false);
  body.bytes.fill(7);
  assert.ok(arena.grow(body, 3 * CHUNK, 10));
  assert.deepEqual(
    [...body.bytes.subarray(0, 10)],
    Array.from({ length: 10 }, () => 7),
  );
  assert.deepEqual([body.bytes.length, arena.usedBytes], [3 * CHUNK, 3 * CHUNK]);
  arena.trim(body, CHUNK + 1);
  assert.deepEqual([body.bytes.length, arena.usedBytes], [CHUNK + 1, 2 * CHUNK]);
  arena.trim(body, 0);
  assert.deepEqual([body.bytes.length, arena.usedBytes], [0, CHUNK]);
  body.release();
  assert.deepEqual([arena.usedBytes, arena.liveBytes], [0, 0]);
});

test("bytes of bodies that have not come whole are known, and room that comes is told", () => {
  const arena = arenaOf(8);
  let told = 0;
  arena.onLeft = () => void told++;
  const [whole, slow] = [taken(arena, 8), taken(arena, 8, false)];
  assert.deepEqual([arena.liveBytes, arena.partialBytes, told], [16, 8, 0]);
  assert.ok(arena.grow(slow, 2 * CHUNK, 8));
  assert.deepEqual([arena.liveBytes, arena.partialBytes, told], [8 + 2 * CHUNK, 2 * CHUNK, 1]);
  arena.trim(slow, 10);
  assert.deepEqual([arena.partialBytes, told], [CHUNK, 2]);
  arena.complete(slow);
  arena.complete(slow);
  assert.equal(arena.partialBytes, 0);
  for (const body of [whole, slow, taken(arena, 9, false)]) body.release();
  assert.deepEqual([arena.liveBytes, arena.partialBytes, told], [0, 0, 5]);
});

test("without room nothing changes: it is counted, and whether it was for want of a row of chunks", () => {
  const arena = arenaOf(4);
  const bodies = Array.from({ length: 4 }, () => taken(arena, CHUNK));
  bodies[0]!.release();
  bodies[2]!.release();
  assert.equal(arena.alloc(2 * CHUNK, true), undefined);
  assert.deepEqual([arena.noRoom, arena.fragmented, arena.freeBytes], [1, 1, 2 * CHUNK]);
  assert.equal(arena.grow(bodies[1]!, 3 * CHUNK, 0), false);
  assert.deepEqual([arena.noRoom, arena.fragmented, bodies[1]!.bytes.length], [2, 1, CHUNK]);
  taken(arena, CHUNK);
  taken(arena, 8);
  assert.equal(arena.alloc(CHUNK, true), undefined);
});

test("in debug an extent that is given back twice, or taken after its end, is a fault that tells itself", () => {
  const body = taken(arenaOf(2), 10);
  body.release();
  assert.throws(() => body.release(), /released after its end/u);
  assert.throws(() => body.retain(), /retained after its end/u);
});

test("otherwise it is counted, and harms nobody who has the place by then", () => {
  const arena = arenaOf(2, false);
  const body = taken(arena, 10);
  body.release();
  const other = taken(arena, 10);
  body.release();
  assert.deepEqual([arena.misused, arena.usedBytes], [1, CHUNK]);
  other.release();
  assert.equal(arena.usedBytes, 0);
});

test("in debug what was given back is overwritten, also where its chunk is in use", () => {
  const arena = arenaOf(2);
  const [gone, there] = [taken(arena, 8), taken(arena, 8)];
  const [before, after] = [gone.bytes, there.bytes.fill(1)];
  gone.release();
  assert.deepEqual(
    [...before],
    Array.from({ length: 8 }, () => POISON),
  );
  assert.deepEqual(
    [...after],
    Array.from({ length: 8 }, () => 1),
  );
});

test("in debug it is found when somebody writes to what was given back", () => {
  const arena = arenaOf(2);
  const body = taken(arena, 8);
  const late = body.bytes;
  body.release();
  late[3] = 0;
  assert.throws(() => arena.alloc(8, true), /was written to/u);
});

test("in debug what is never given back has a name", () => {
  const arena = arenaOf(4);
  arena.alloc(10, true, "grpc");
  arena.alloc(20, true, "grpc");
  arena.alloc(5, true, "http")?.release();
  assert.deepEqual(arena.leaks, [{ owner: "grpc", extents: 2, bytes: 30 }]);
});

test("a body can become longer at its beginning where room was left for it, and only there", () => {
  const arena = new Arena(8 * CHUNK_BYTES, { debug: true });
  const exact = taken(arena, 1_000);
  assert.equal(arena.lengthen(exact, 1_001), undefined);
  arena.takesMore = true;
  const [before, body, next] = [taken(arena, 1_000), taken(arena, 1_000), taken(arena, 1_000)];
  for (const [i, { bytes }] of [before, body, next].entries()) bytes.fill(i + 1);
  const longer = arena.lengthen(body, 1_000 + 88)!;
  assert.equal(longer.bytes.length, 1_088);
  assert.ok(
    longer.bytes.subarray(88).every((byte) => byte === 2),
    "what it was is its end",
  );
  longer.bytes.fill(4);
  assert.deepEqual([before.bytes[999], longer.view(1_087, 1_088)[0], next.bytes[0]], [1, 4, 3]);
  assert.equal(arena.lengthen(body, 1_089), undefined, "there is no room for that");
  const run = taken(arena, CHUNK_BYTES);
  assert.equal(arena.lengthen(run, CHUNK_BYTES + 1), undefined, "a run has no more than whole chunks");
  const long = taken(arena, CHUNK_BYTES + 1, false);
  long.bytes.fill(5);
  assert.equal(arena.grow(long, CHUNK_BYTES + 9, CHUNK_BYTES + 1), true);
  arena.trim(long, CHUNK_BYTES + 1);
  assert.ok(long.bytes.every((byte) => byte === 5));
  assert.equal(arena.lengthen(long, CHUNK_BYTES + 2_000)!.bytes[2_000], 5);
  assert.equal(new Arena(CHUNK_BYTES).lengthen(body, 1_001), undefined, "it is another's");
  for (const extent of [exact, before, body, next, run, long]) extent.release();
  assert.deepEqual([arena.liveBytes, arena.usedBytes, arena.leaks], [0, 0, []]);
});
