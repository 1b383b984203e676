import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openKeyOwners, type OwnerView } from "./key-owners.ts";
import { type KeyPart, openPartOwners } from "./part-owners.ts";

function view(out: readonly number[] = []): OwnerView {
  return { usable: (index) => !out.includes(index), saturated: () => false, held: () => 0, totalHeld: 0 };
}

function key({ id, part }: KeyPart): string {
  return `${id} ${part ?? ""}`;
}

const HASHES = Array.from({ length: 2_000 }, (_, i) => (i * 2_654_435_761) >>> 0);
const part = fc.record({
  id: fc.constantFrom("a", "b", "c"),
  weight: fc.constant(1),
  part: fc.nat(9).map((n) => `10.0.0.${n}`),
});
const PARTS = fc.uniqueArray<KeyPart, string>(part, { minLength: 1, maxLength: 12, selector: key });

test("targets of one part each own what they own without parts", () => {
  const parts = ["a", "b", "c"].map((id): KeyPart => ({ id, weight: 1, part: undefined }));
  const [owners, plain] = [openPartOwners(parts), openKeyOwners(parts)];
  for (const hash of HASHES) assert.equal(owners.ownerOf(hash, view()), plain.ownerOf(hash, view()));
});

test("the parts of a target say nothing about which target a key belongs to, and their order nothing at all", () => {
  fc.assert(
    fc.property(PARTS, (parts) => {
      const ids = [...new Set(parts.map(({ id }) => id))].map((id) => ({ id, weight: 1 }));
      const targets = openKeyOwners(ids);
      const owners = openPartOwners(parts);
      const reversed = parts.toReversed();
      const same = openPartOwners(reversed);
      for (const hash of HASHES.slice(0, 200)) {
        const owner = parts[owners.ownerOf(hash, view())]!;
        assert.equal(owner.id, ids[targets.ownerOf(hash, view())]!.id);
        assert.equal(key(reversed[same.ownerOf(hash, view())]!), key(owner));
      }
    }),
    { numRuns: 30 },
  );
});

test("a part that is out passes on its own keys, to parts of its own target while one of them is in", () => {
  fc.assert(
    fc.property(PARTS, fc.nat(11), (parts, at) => {
      const out = at % parts.length;
      const owners = openPartOwners(parts);
      const others = parts.filter(({ id }, index) => index !== out && id === parts[out]!.id);
      for (const hash of HASHES.slice(0, 200)) {
        const before = owners.ownerOf(hash, view());
        const after = owners.ownerOf(hash, view([out]));
        if (before !== out) assert.equal(after, before);
        else if (others.length > 0) assert.equal(parts[after]!.id, parts[out]!.id);
        else if (parts.length > 1) assert.notEqual(after, out);
      }
    }),
    { numRuns: 30 },
  );
});
