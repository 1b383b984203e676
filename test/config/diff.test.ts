import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diffConfigs, diffDocuments } from "../../src/config/diff.ts";
import type { Config } from "../../src/config/schema/config.ts";
import { loadText } from "./load-text.ts";

const BASE = [
  'targets: [{ id: a, endpoint: "http://a:1", headers: { x-key: one } }, { id: b, endpoint: "http://b:1" }]',
  "pools: { p: { targets: [a] } }",
  "rules: [{ id: r1, pool: p, conditions: [service_name: x] }, { id: r2, pool: p, conditions: [service_name: y] }]",
  "default_pool: p",
].join("\n");

function load(text: string): Config {
  const { config, problems } = loadText(text);
  assert.ok(config, JSON.stringify(problems));
  return config;
}

const cases = [
  { name: "nothing", from: "", to: "", want: [] },
  { name: "a weight", from: 'http://b:1"', to: 'http://b:1", weight: 2', want: ["changed targets.b.weight"] },
  {
    name: "a secret, without showing it",
    from: "x-key: one",
    to: "x-key: two",
    want: ["changed targets.a.headers.x-key"],
  },
  { name: "a header more", from: "x-key: one", to: "x-key: one, x-b: two", want: ["added targets.a.headers.x-b"] },
  {
    name: "an option that is no longer set",
    from: "default_pool: p",
    to: "",
    want: ["removed default_pool"],
  },
  { name: "a pool's targets", from: "targets: [a] }", to: "targets: [a, b] }", want: ["added pools.p.targets[1]"] },
  {
    name: "another target first in the list",
    from: "{ id: a, ",
    to: '{ id: c, endpoint: "http://c:1" }, { id: a, ',
    want: ["added targets.c"],
  },
  { name: "the order of rules", from: "r1", to: "r3", want: ["removed rules.r1", "added rules.r3"] },
];
for (const { name, from, to, want } of cases) {
  test(`diff: ${name}`, () => {
    const changes = diffConfigs(load(BASE), load(BASE.replace(from, to)));
    assert.deepEqual(
      changes.map(({ kind, path }) => `${kind} ${path}`),
      want,
    );
    assert.ok(!JSON.stringify(changes).includes("two"));
  });
}

test("diff: rules in another order are a change of rules", () => {
  const swapped = BASE.replace(/(\{ id: r1.*?\}), (\{ id: r2.*?\})\]/u, "$2, $1]");
  assert.notEqual(swapped, BASE);
  assert.deepEqual(diffConfigs(load(BASE), load(swapped)), [{ path: "rules", kind: "changed" }]);
});

test("diff: lists that share objects differ as copies of them do", () => {
  const entries = Array.from({ length: 6 }, (_, i) => (i === 5 ? { x: i } : { id: `r${i}`, x: i }));
  const order = fc.shuffledSubarray(entries);
  fc.assert(
    fc.property(order, order, fc.boolean(), (before, after, isAppended) => {
      const next = isAppended ? [...before, ...after.filter((one) => !before.includes(one))] : after;
      const copies = diffDocuments({ rules: before }, { rules: structuredClone(next) });
      assert.deepEqual(diffDocuments({ rules: before }, { rules: next }), copies);
    }),
  );
});
