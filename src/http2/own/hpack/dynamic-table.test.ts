import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DynamicTable, ENTRY_OVERHEAD } from "./dynamic-table.ts";

/** An entry of this size: RFC 7541, 4.1. */
function entry(bytes: number, letter = "n"): { name: string; value: string } {
  return { name: letter, value: "v".repeat(bytes - ENTRY_OVERHEAD - 1) };
}

/** RFC 7541, 4.3 and 4.4, word by word: newest first. */
class PlainTable {
  entries: { name: string; value: string }[] = [];
  maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.entries.reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
  }

  add(name: string, value: string): void {
    const bytes = name.length + value.length + 32;
    while (this.entries.length > 0 && this.bytes + bytes > this.maxBytes) this.entries.pop();
    if (bytes <= this.maxBytes) this.entries.unshift({ name, value });
  }

  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    while (this.bytes > maxBytes) this.entries.pop();
  }
}

function listed(table: DynamicTable): { name: string; value: string }[] {
  return Array.from({ length: table.count }, (_, i) => ({ name: table.name(i), value: table.value(i) }));
}

test("dynamic table: entries that fill it to the byte all stay", () => {
  const table = new DynamicTable(120);
  for (const bytes of [40, 40, 40]) {
    const { name, value } = entry(bytes);
    table.add(name, value);
  }
  assert.deepEqual([table.count, table.bytes], [3, 120]);
});

test("dynamic table: a new entry evicts as few as make room for it, also when it then fits to the byte", () => {
  const table = new DynamicTable(120);
  for (const letter of ["a", "b", "c"]) table.add(letter, entry(40).value);
  table.add("d", entry(80).value);
  assert.deepEqual(
    [
      listed(table)
        .map(({ name }) => name)
        .join(""),
      table.bytes,
    ],
    ["dc", 120],
  );
});

test("dynamic table: an entry as large as the table replaces all, a larger one only empties it", () => {
  const table = new DynamicTable(64);
  table.add("a", entry(40).value);
  table.add("b", entry(64).value);
  assert.deepEqual([table.count, table.bytes, table.name(0)], [1, 64, "b"]);
  table.add("c", entry(65).value);
  assert.deepEqual([table.count, table.bytes], [0, 0]);
});

test("dynamic table: a smaller size evicts as few as it must, to the byte", () => {
  const table = new DynamicTable(120);
  for (const letter of ["a", "b", "c"]) table.add(letter, entry(40).value);
  table.resize(80);
  assert.equal(listed(table).length, 2);
  table.resize(79);
  assert.equal(listed(table).length, 1);
});

test("dynamic table: after any additions and sizes it is what RFC 7541 says", () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 33, max: 70 }), letter: fc.constantFrom("a", "b", "c") }),
    fc.record({ resize: fc.integer({ min: 0, max: 200 }) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.array(step, { maxLength: 60 }), (maxBytes, steps) => {
      const table = new DynamicTable(maxBytes);
      const plain = new PlainTable(maxBytes);
      for (const one of steps) {
        for (const each of [table, plain]) {
          if ("resize" in one) each.resize(one.resize);
          else each.add(one.letter, entry(one.add).value);
        }
        assert.deepEqual(listed(table), plain.entries);
        assert.equal(table.bytes, plain.bytes);
      }
    }),
  );
});
