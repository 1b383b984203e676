import assert from "node:assert/strict";
import { test } from "node:test";
import { closest, hintFor } from "./closest.ts";

const cases = [
  { text: "wieght", among: ["id", "weight", "region"], want: "weight" },
  { text: "servr", among: ["server", "client"], want: "server" },
  { text: "bb", among: ["a", "b"], want: "b" },
  { text: "SERVER", among: ["server"], want: "server" },
  { text: "q", among: ["p"], want: undefined },
  { text: "priority", among: ["id", "pool"], want: undefined },
  { text: "x".repeat(1_000), among: ["x".repeat(999)], want: undefined },
  { text: "", among: ["a"], want: undefined },
];
for (const { text, among, want } of cases) {
  test(`closest: "${text.slice(0, 10)}" among ${among.join(", ").slice(0, 30)} is ${want ?? "none"}`, () => {
    assert.equal(closest(text, among), want);
  });
}

test("closest: a hint names the near one, else what is known, else nothing", () => {
  assert.equal(hintFor("bb", ["a", "b"], "targets"), 'did you mean "b"?');
  assert.equal(hintFor("zzz", ["a", "b"], "targets"), "known targets: a, b");
  assert.equal(hintFor("zzz", [], "targets"), undefined);
});
