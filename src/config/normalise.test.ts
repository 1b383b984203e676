import assert from "node:assert/strict";
import { test } from "node:test";
import { expandPluginStrategies } from "./normalise.ts";

const own = { type: "plugin", name: "mine" };

const cases = [
  { name: "a name that is not ours", strategy: "mine", want: own },
  { name: "the same as a type, with options", strategy: { type: "mine", n: 1 }, want: { ...own, options: { n: 1 } } },
  { name: "the long form", strategy: { ...own, options: {} }, want: { ...own, options: {} } },
  { name: "one of ours", strategy: "failover", want: "failover" },
  { name: "one of ours with options", strategy: { type: "content", cases: [] }, want: { type: "content", cases: [] } },
  { name: "what is no strategy at all", strategy: 5, want: 5 },
];
for (const { name, strategy, want } of cases) {
  test(`strategies of plugins: ${name}`, () => {
    const holders = (value: unknown): unknown => ({
      node: { plugins: ["./p.js"] },
      pools: { p: { targets: ["a"], strategy: value }, q: {} },
      rules: [{ id: "r", strategy: value }, { id: "s" }],
      default_pool: { strategy: value },
    });
    assert.deepEqual(expandPluginStrategies(holders(strategy)), holders(want));
  });
}

test("without plugins, and in a document that is something else, nothing is changed", () => {
  for (const root of [
    { pools: { p: { strategy: "mine" } } },
    { node: { plugins: [] }, rules: [{ strategy: "mine" }] },
    5,
    null,
    ["x"],
  ]) {
    assert.deepEqual(expandPluginStrategies(root), root);
  }
  assert.deepEqual(expandPluginStrategies({ node: { plugins: ["x"] }, pools: 5, rules: "no", default_pool: "p" }), {
    node: { plugins: ["x"] },
    pools: 5,
    rules: "no",
    default_pool: "p",
  });
});
