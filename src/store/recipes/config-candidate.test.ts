import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { openRig } from "../../../test/support/shared-config-rig.ts";
import { RouterError } from "../../core/errors.ts";
import { withRolledBack, type KnownCandidate } from "./config-candidate.ts";
import { CANDIDATE_BOUNDS, decodeCandidate, encodeCandidate } from "./config-candidate-record.ts";
import { KEPT_VERSIONS } from "./config-record.ts";
import type { LeaderGuard, SharedConfig } from "./shared-config.ts";

const { signal } = new AbortController();

async function candidateOf(config: SharedConfig): Promise<KnownCandidate> {
  const read = await config.candidate({ signal });
  assert.ok(read.kind === "candidate");
  return read;
}

test("what is staged is a version that nothing points at, until it is promoted", async () => {
  const { store, config, clock } = openRig();
  await config.publish("one", { signal });
  const pointer = (await store.get("/t/config/current", { signal }))?.modified;
  const staged = await config.stage("two", { signal, expected: 1, by: "ann", note: "faster" });
  assert.ok(staged.kind === "staged");
  assert.equal((await store.get("/t/config/current", { signal }))?.modified, pointer);
  assert.equal((await config.history({ signal })).length, 1);
  const read = await config.version(2, { signal });
  assert.ok(read.kind === "version" && read.version.text === "two");
  const known = await candidateOf(config);
  assert.deepEqual(known.candidate, staged.candidate);
  assert.deepEqual(
    { ...known.candidate, sha256: "" },
    {
      version: 2,
      sha256: "",
      bytes: 3,
      base: 1,
      state: "running",
      paused: false,
      pausedBy: "",
      pausedMs: null,
      again: false,
      stage: "node",
      passed: [],
      nodes: [],
      region: "",
      lost: 0,
      left: 0,
      validForMs: 120_000,
      epoch: "",
      createdMs: clock.wallMs(),
      startedMs: clock.wallMs(),
      by: "ann",
      note: "faster",
      reason: "",
      told: false,
      windows: [],
      rolledBack: [],
    },
  );
  const done = { ...known.candidate, state: "done" } as const;
  const promoted = await config.promote(known, done, { signal });
  assert.ok(promoted.kind === "published" && promoted.pointer.version === 2 && promoted.pointer.latest === 2);
  assert.equal((await candidateOf(config)).candidate.state, "done");
  const [line] = await config.history({ signal });
  assert.deepEqual([line?.version, line?.by, line?.note, line?.kind], [2, "ann", "faster", "publish"]);
});

test("versions are counted on from what is staged, whether that comes to run or not", async () => {
  const { config } = openRig();
  await config.publish("one", { signal });
  const first = await config.stage("two", { signal });
  assert.ok(first.kind === "staged" && first.candidate.version === 2);
  const published = await config.publish("three", { signal });
  assert.ok(published.kind === "published" && published.pointer.version === 3);
  // The one before is of a version that runs no more.
  const second = await config.stage("four", { signal });
  assert.ok(second.kind === "staged" && second.candidate.version === 4 && second.candidate.base === 3);
  await config.update(await candidateOf(config), { ...second.candidate, state: "aborted" }, { signal });
  const third = await config.stage("five", { signal });
  assert.ok(third.kind === "staged" && third.candidate.version === 5);
});

test("one is staged at a time, and nothing where it would say nothing", async () => {
  const { config } = openRig();
  assert.equal((await config.stage("one", { signal })).kind, "no_base");
  await config.publish("one", { signal });
  assert.equal((await config.stage("one", { signal })).kind, "unchanged");
  assert.equal((await config.stage("two", { signal, expected: 7 })).kind, "conflict");
  assert.equal((await config.stage("two", { signal })).kind, "staged");
  const other = await config.stage("three", { signal });
  assert.ok(other.kind === "under_way" && other.candidate.version === 2);
  const checked = openRig({ check: () => ["no"] }).config;
  assert.equal((await checked.stage("two", { signal })).kind, "invalid");
});

test("a document that was rolled back is staged again only when that is asked for", async () => {
  const { config, clock } = openRig();
  await config.publish("one", { signal });
  await config.stage("two", { signal });
  const known = await candidateOf(config);
  const back = withRolledBack({ ...known.candidate, state: "rolled_back" }, "worse", clock.wallMs());
  assert.equal(await config.update(known, back, { signal }), true);
  const refused = await config.stage("two", { signal });
  assert.deepEqual(refused, { kind: "rolled_back", version: 2, reason: "worse" });
  const other = await config.stage("three", { signal });
  assert.ok(other.kind === "staged" && other.candidate.rolledBack.length === 1, "it is kept over other ones");
  await config.update(await candidateOf(config), { ...other.candidate, state: "superseded" }, { signal });
  const again = await config.stage("two", { signal, again: true });
  assert.ok(again.kind === "staged" && again.candidate.again && again.candidate.version === 4);
});

test("what became of a candidate is written only by who has seen the newest of it, and leads", async () => {
  const { config } = openRig();
  await config.publish("one", { signal });
  await config.stage("two", { signal });
  const known = await candidateOf(config);
  assert.equal(await config.update(known, { ...known.candidate, paused: true }, { signal }), true);
  assert.equal(await config.update(known, { ...known.candidate, paused: false }, { signal }), false);
  const guard: LeaderGuard = {
    guarded: async () => {
      throw new RouterError("NOT_OWNER", "it leads no more");
    },
  };
  const now = await candidateOf(config);
  assert.equal(now.candidate.paused, true);
  assert.equal(await config.update(now, { ...now.candidate, stage: "all" }, { signal, guard }), false);
  const done = { ...now.candidate, state: "done" } as const;
  assert.equal((await config.promote(now, done, { signal, guard })).kind, "not_leader");
  assert.equal((await config.promote(known, done, { signal })).kind, "conflict");
  await config.publish("three", { signal });
  assert.equal((await config.promote(now, done, { signal })).kind, "conflict");
  assert.equal((await candidateOf(config)).candidate.state, "running");
});

test("a write whose answer is lost is looked for", async () => {
  const store = new FakeStore();
  const { config } = openRig({}, store);
  await config.publish("one", { signal });
  const txn = store.txn.bind(store);
  store.txn = async (...asked) => {
    await txn(...asked);
    throw new RouterError("STORE_UNKNOWN", "the answer was lost");
  };
  const staged = await config.stage("two", { signal });
  assert.ok(staged.kind === "staged" && staged.candidate.version === 2);
  const known = await candidateOf(config);
  assert.equal(await config.update(known, { ...known.candidate, paused: true }, { signal }), true);
  assert.equal(await config.update(known, { ...known.candidate, paused: true }, { signal }), false);
  const now = await candidateOf(config);
  const promoted = await config.promote(now, { ...now.candidate, state: "done" }, { signal });
  assert.equal(promoted.kind, "published");
});

test("a large document is staged in pieces; where nothing is ever promoted, old ones are not kept", async () => {
  const { store, config } = openRig();
  await config.publish("one", { signal });
  const large = "x".repeat(300_000);
  for (let at = 0; at < KEPT_VERSIONS + 5; at++) {
    const staged = await config.stage(`${large}${at}`, { signal });
    assert.ok(staged.kind === "staged");
    const read = await config.version(staged.candidate.version, { signal });
    assert.ok(read.kind === "version" && read.version.text.length > 300_000);
    await config.update(await candidateOf(config), { ...staged.candidate, state: "rolled_back" }, { signal });
  }
  const versions = store.keys().filter((key) => key.startsWith("/t/config/v/"));
  assert.ok(versions.length <= KEPT_VERSIONS + 2, `${versions.length} versions`);
  assert.ok(versions.includes("/t/config/v/0000000001"), "what runs is kept");
});

test("a candidate is read as it was written, with what a newer version has besides left out", async () => {
  const { config } = openRig();
  await config.publish("one", { signal });
  const staged = await config.stage("two", { signal });
  assert.ok(staged.kind === "staged");
  const group = { attempted: 10, failed: 1 };
  const full = {
    ...withRolledBack(staged.candidate, "r".repeat(900), 5_000),
    nodes: [{ id: "n1", incarnation: "i", version: 2, result: "running" as const, reason: "" }],
    windows: [
      { atMs: 7_000, stage: "node" as const, canary: group, control: group, verdict: "good" as const, follows: true },
    ],
    paused: true,
    pausedBy: "bob",
    pausedMs: 9_000,
  };
  const read = decodeCandidate(encodeCandidate(full, "nonce"));
  assert.ok(read.ok);
  assert.deepEqual(read.value, full);
  assert.equal(full.rolledBack[0]?.reason.length, CANDIDATE_BOUNDS.nodeReason);
  const other = JSON.stringify({ ...JSON.parse(Buffer.from(encodeCandidate(full, "n")).toString()), later: 1 });
  assert.ok(decodeCandidate(Buffer.from(other)).ok);
});

test("what is no candidate is said to be none, and nothing is staged over it", async () => {
  const { store, config } = openRig();
  await config.publish("one", { signal });
  store.put("/t/config/candidate", "by hand");
  assert.equal((await config.candidate({ signal })).kind, "bad");
  await assert.rejects(config.stage("two", { signal }), /what stands for a staged config is none/u);
});
