import assert from "node:assert/strict";
import { test } from "node:test";
import { type FollowingNode, takeOverBy } from "./take-over.ts";

const WANTED = { version: 1, sha256: "a".repeat(64) };
const TRIED = { version: 2, sha256: "b".repeat(64), triedFor: 1 };

function rig(state: { tries: boolean; fleetRuns: number | undefined; refused?: number }) {
  const followed: number[] = [];
  const follower: FollowingNode = {
    get tries() {
      return state.tries;
    },
    get fleetRuns() {
      return state.fleetRuns;
    },
    get status() {
      const { refused: version } = state;
      const acknowledged = version && ({ version, digest: "", result: "invalid", reason: "" } as const);
      return { from: "store" as const, trouble: undefined, acknowledged: acknowledged || undefined };
    },
    textOf: () => undefined,
    trouble: () => undefined,
    whenRefused: () => undefined,
    async followVersion({ version }) {
      followed.push(version);
      return { kind: "applied", version, digest: "", warnings: [], restartRequired: [], changed: [], leaving: [] };
    },
  };
  return { follower, followed };
}

test("a collector applies all that its controller tells", async () => {
  const { follower, followed } = rig({ tries: false, fleetRuns: 1 });
  const { follow } = takeOverBy(follower, false, undefined);
  assert.equal(await follow?.(TRIED, ""), "done");
  assert.equal(await follow?.(WANTED, ""), "done");
  assert.deepEqual(followed, [2, 1]);
});

test("a controller has from the store what all run: it is told of what it is to try, and that this is over", async () => {
  const state = { tries: false, fleetRuns: 1 };
  const { follower, followed } = rig(state);
  const { follow } = takeOverBy(follower, true, undefined);
  assert.equal(await follow?.(WANTED, ""), "done");
  assert.deepEqual(followed, [], "a directive may be older than what the store has told");
  assert.equal(await follow?.(TRIED, ""), "done");
  state.tries = true;
  assert.equal(await follow?.(WANTED, ""), "done");
  assert.deepEqual(followed, [2, 1]);
});

test("a controller tries nothing in the place of a version that it does not run for the fleet", async () => {
  const state = { tries: false, fleetRuns: 5 };
  const { follower, followed } = rig(state);
  const { follow } = takeOverBy(follower, true, undefined);
  assert.equal(await follow?.(TRIED, ""), "again");
  assert.deepEqual(followed, []);
  state.fleetRuns = 1;
  assert.equal(await follow?.(TRIED, ""), "done");
  assert.deepEqual(followed, [2]);
});

test("a controller that refused what it was to try says what it runs again, once that is over", async () => {
  const state: { tries: boolean; fleetRuns: number; refused?: number } = { tries: false, fleetRuns: 1, refused: 2 };
  const { follower, followed } = rig(state);
  const { follow } = takeOverBy(follower, true, undefined);
  assert.equal(await follow?.(WANTED, ""), "done");
  assert.deepEqual(followed, [1]);
  state.fleetRuns = 3;
  assert.equal(await follow?.(WANTED, ""), "done");
  Object.assign(state, { fleetRuns: 1, refused: 1 });
  assert.equal(await follow?.(WANTED, ""), "done");
  assert.deepEqual(followed, [1], "a directive may be older than the store, and what all run may be refused");
});
