import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { derivedList } from "../../core/derived-list.ts";
import { MANY_ITEMS } from "../../core/recent-list.ts";
import { type Edit, editRoot, elementOf, elementsOf } from "./element.ts";

const ROOT = {
  targets: [{ id: "a" }, { id: "b" }],
  pools: { p: { targets: ["a"] } },
  rules: null,
};

const cases: { name: string; edit: Edit; want: object }[] = [
  {
    name: "a target at the end",
    edit: { kind: "add", section: "targets", id: "c", value: { id: "c" } },
    want: { ...ROOT, targets: [{ id: "a" }, { id: "b" }, { id: "c" }] },
  },
  {
    name: "a target in front of another",
    edit: { kind: "add", section: "targets", id: "c", value: { id: "c" }, before: "b" },
    want: { ...ROOT, targets: [{ id: "a" }, { id: "c" }, { id: "b" }] },
  },
  {
    name: "the first of a section that is empty",
    edit: { kind: "add", section: "rules", id: "r", value: { id: "r" } },
    want: { ...ROOT, rules: [{ id: "r" }] },
  },
  {
    name: "another pool",
    edit: { kind: "add", section: "pools", id: "q", value: {} },
    want: { ...ROOT, pools: { ...ROOT.pools, q: {} } },
  },
  {
    name: "another value of a target",
    edit: { kind: "put", section: "targets", id: "a", value: { id: "a", weight: 2 } },
    want: { ...ROOT, targets: [{ id: "a", weight: 2 }, { id: "b" }] },
  },
  { name: "no pool any more", edit: { kind: "remove", section: "pools", id: "p" }, want: { ...ROOT, pools: {} } },
];
for (const { name, edit, want } of cases) {
  test(`edit: ${name}`, () => {
    const edited = editRoot(ROOT, edit);
    assert.deepEqual(edited, { kind: "edited", root: want });
  });
}

const refused: [string, Edit, object][] = [
  ["what is there already", { kind: "add", section: "pools", id: "p", value: {} }, { kind: "exists", id: "p" }],
  ["what is not there", { kind: "put", section: "rules", id: "r", value: {} }, { kind: "unknown", id: "r" }],
  ["removing what is not there", { kind: "remove", section: "targets", id: "x" }, { kind: "unknown", id: "x" }],
  [
    "a place in front of what is not there",
    { kind: "add", section: "targets", id: "c", value: {}, before: "x" },
    { kind: "unknown", id: "x" },
  ],
];
for (const [name, edit, want] of refused) {
  test(`edit: refused: ${name}`, () => assert.deepEqual(editRoot(ROOT, edit), want));
}

test("edit: a document without the section, or none at all, is as if it were empty", () => {
  const edit: Edit = { kind: "add", section: "rules", id: "r", value: { id: "r" } };
  for (const root of [{}, null])
    assert.deepEqual(editRoot(root, edit), { kind: "edited", root: { rules: [{ id: "r" }] } });
  assert.deepEqual(elementsOf(null, "pools"), []);
});

test("edit: settings are merged where they stand, null takes one out, and all else stays", () => {
  const root = { rules: [], global: { sampling_rate: 1, rate_limiting: { max_qps: 1, keys: { a: 1, b: 2 } } } };
  const at = ["global", "rate_limiting"];
  assert.deepEqual(editRoot(root, { kind: "merge", at, patch: { burst_size: 5, keys: { a: null, c: 3 } } }), {
    kind: "edited",
    root: {
      rules: [],
      global: { sampling_rate: 1, rate_limiting: { max_qps: 1, burst_size: 5, keys: { b: 2, c: 3 } } },
    },
  });
  const fresh = { kind: "edited", root: { global: { rate_limiting: { max_qps: 1 } } } };
  assert.deepEqual(editRoot(undefined, { kind: "merge", at, patch: { max_qps: 1, key: null } }), fresh);
});

const ids = fc.oneof(
  { arbitrary: fc.nat(700).map((i) => `rule-${i}`), weight: 5 },
  fc.constantFrom(7, null, undefined),
);
const listChange = fc.record({ at: fc.nat(MANY_ITEMS), cut: fc.nat(2), ids: fc.array(ids, { maxLength: 2 }) });

test("element: in a long list that changes, also where ids are given twice or are none, the first of an id is meant", () => {
  fc.assert(
    fc.property(fc.array(listChange, { minLength: 1, maxLength: 6 }), ids, (changes, asked) => {
      let list: readonly unknown[] = Array.from({ length: MANY_ITEMS + 20 }, (_, i) => ({ id: `rule-${i}` }));
      for (const { at, cut, ids: put } of changes) {
        list = derivedList(
          list,
          at,
          cut,
          put.map((id) => ({ id, at })),
        );
        for (const id of [String(asked), `rule-${at}`, ...put.map(String)]) {
          const first = list.find((value) => String((value as { id: unknown }).id) === id);
          assert.equal(elementOf({ rules: list }, "rules", id), first, `${id} after ${JSON.stringify(put)}`);
        }
      }
    }),
    { numRuns: 60 },
  );
});
