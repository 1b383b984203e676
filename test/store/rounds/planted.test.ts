import assert from "node:assert/strict";
import { test } from "node:test";
import { PATIENCE_MS } from "../../support/patience.ts";
import { openArena } from "./arena.ts";
import { runRounds, scopeName } from "./rounds.ts";

test("rounds: faults that are planted in candidates are found, each where it is, and no others", async () => {
  await using arena = await openArena("embedded");
  const { violations } = await runRounds({
    ...arena,
    rounds: 1,
    waves: [{ candidates: ["block", "block"] }],
    elections: 4,
    faults: { 0: "unguarded", 1: "reused", 2: "jumping" },
    prefix: "/rounds",
    patienceMs: PATIENCE_MS,
  });
  const found = (election: number): Set<string> =>
    new Set(violations.filter(({ scope }) => scope === scopeName(election)).map(({ kind }) => kind));
  assert.deepEqual(found(0), new Set(["epoch_fell"]), "a write that is not guarded, after the next leader's");
  assert.ok(found(1).has("epoch_reused"));
  assert.ok(found(2).has("queue_jumped"));
  assert.deepEqual(found(3), new Set());
});
