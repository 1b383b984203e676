import assert from "node:assert/strict";
import { test } from "node:test";
import { listMembers, type MemberSighting, type MemberView, seenBy, splitViews } from "./split-views.ts";

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

test("members: of one that several have seen, it is told where and when it was seen last", () => {
  const sighting = (address: string, ageMs: number | undefined): MemberSighting => {
    return { id: "1", region: "eu", address, ageMs };
  };
  const views = [
    { ...view("c1", ["1"]), sightings: [sighting("old:4317", 9_000)] },
    { ...view("c2", ["1"]), sightings: [sighting("new:4317", 2_000)] },
    { ...view("c3", ["1", "2"], "controllers"), sightings: [sighting("c:4321", undefined)] },
  ];
  assert.deepEqual(listMembers(views, 10_000), [
    { id: "1", region: "eu", address: "new:4317", last_seen: "1970-01-01T00:00:08.000Z", seen_by: ["c1", "c2", "c3"] },
    { id: "2", region: "", address: "", last_seen: null, seen_by: ["c3"] },
  ]);
  const [listed] = listMembers(views.slice(2), 10_000);
  assert.deepEqual([listed?.address, listed?.last_seen], ["c:4321", null], "the store lists it alone");
});
