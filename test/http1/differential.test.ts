import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NodeReading, type Reading } from "./node-reading.ts";
import { Rig } from "./rig.ts";
import { STRICTER } from "./stricter.ts";
import { TAME, WILD } from "./sentences.ts";

const node = new NodeReading();

function ownReading(pieces: readonly Buffer[]): Reading & { readonly isLast: boolean } {
  const rig = new Rig();
  for (const piece of pieces) rig.send(piece);
  rig.end();
  const whole = rig.requests.flatMap((seen, i) => {
    if (seen.end !== "whole") return [];
    return [[seen.method, seen.target, rig.fields[i] ?? [], seen.body] as const];
  });
  // Node calls it an error when something comes behind the last request, which is not read in any
  // case.
  const isRefused = rig.faults.length > 0;
  return { requests: whole, isRefused, isLast: !isRefused && rig.closes };
}

function cut(bytes: string, sizes: readonly number[]): Buffer[] {
  const all = Buffer.from(bytes, "latin1");
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < all.length; i++) {
    const size = sizes.length === 0 ? all.length : (sizes[i % sizes.length] ?? 1);
    pieces.push(all.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

function alike(own: ReturnType<typeof ownReading>, nodes: Reading): void {
  assert.deepEqual(own.requests, nodes.requests);
  if (!own.isLast) assert.equal(own.isRefused, nodes.isRefused);
}

const sizes = fc.oneof(
  fc.constant<number[]>([]),
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 }),
);
const PARAMETERS = { numRuns: Number(process.env["FUZZ_RUNS"] ?? 200) };

test("what keeps to the rules, and what breaks those that node keeps, both read alike", async () => {
  await fc.assert(
    fc.asyncProperty(TAME, sizes, async (bytes, split) => {
      const pieces = cut(bytes, split);
      alike(ownReading(pieces), await node.read(pieces));
    }),
    PARAMETERS,
  );
});

test("of what is broken anyhow ours takes nothing that node does not take, and reads all of it alike", async () => {
  let taken = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(WILD, sizes, async (bytes, split) => {
      const pieces = cut(bytes, split);
      const own = ownReading(pieces);
      const nodes = await node.read(pieces);
      assert.deepEqual(own.requests, nodes.requests.slice(0, own.requests.length));
      if (!own.isRefused) alike(own, nodes);
      taken += own.requests.length;
      if (own.isRefused) refused++;
    }),
    PARAMETERS,
  );
  assert.ok(taken > 50 && refused > 50, `${taken} taken, ${refused} refused`);
});

for (const [name, bytes] of Object.entries(STRICTER)) {
  test(`stricter than node: ${name}`, async () => {
    const pieces = cut(bytes, []);
    const own = ownReading(pieces);
    const nodes = await node.read(pieces);
    assert.deepEqual([own.requests.length, own.isRefused], [0, true]);
    assert.deepEqual([nodes.requests.length, nodes.isRefused], [1, false]);
  });
}
