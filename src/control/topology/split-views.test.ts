import assert from "node:assert/strict";
import { test } from "node:test";
import { type MemberView, seenBy, splitViews } from "./split-views.ts";

function view(controller: string, members: readonly string[], scope = "eu"): MemberView {
  return { controller, scope, digest: [...members].toSorted().join("+"), members };
}

test("split views: controllers that see the same members agree, in whatever order they came", () => {
  assert.deepEqual(splitViews([view("a", ["1", "2"]), view("b", ["2", "1"]), view("c", ["9"], "us")]), []);
});

test("split views: who sees what is told, the view of most first, with what not all have", () => {
  const views = [view("a", ["1", "2", "3"]), view("b", ["1", "2"]), view("c", ["2", "1"]), view("d", ["9"], "us")];
  assert.deepEqual(splitViews(views), [
    {
      scope: "eu",
      views: [
        { digest: "1+2", controllers: ["b", "c"], only_here: [] },
        { digest: "1+2+3", controllers: ["a"], only_here: ["3"] },
      ],
    },
  ]);
});

test("split views: digests alone show it, too", () => {
  const views = [
    { controller: "a", scope: "eu", digest: "x" },
    { controller: "b", scope: "eu", digest: "y" },
  ];
  assert.deepEqual(
    splitViews(views)[0]?.views.map(({ controllers }) => controllers),
    [["a"], ["b"]],
  );
});

test("members: each is told with those who see it", () => {
  assert.deepEqual(seenBy([view("b", ["2", "1"]), view("a", ["2", "3"])]), [
    { id: "1", seen_by: ["b"] },
    { id: "2", seen_by: ["a", "b"] },
    { id: "3", seen_by: ["a"] },
  ]);
});
