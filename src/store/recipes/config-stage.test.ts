import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { openRig } from "../../../test/support/shared-config-rig.ts";
import { RouterError } from "../../core/errors.ts";
import { type KnownCandidate, withRolledBack } from "./config-candidate.ts";
import { KEPT_VERSIONS } from "./config-record.ts";
import type { SharedConfig } from "./shared-config.ts";

const { signal } = new AbortController();

async function candidateOf(config: SharedConfig): Promise<KnownCandidate> {
  const read = await config.candidate({ signal });
  assert.ok(read.kind === "candidate");
  return read;
}

/** Staged, and rolled back. */
async function tryInVain(config: SharedConfig, text: string): Promise<number> {
  const staged = await config.stage(text, { signal, again: true });
  assert.ok(staged.kind === "staged", staged.kind);
  const known = await candidateOf(config);
  const back = withRolledBack({ ...known.candidate, state: "rolled_back" }, "worse", 0);
  assert.equal(await config.update(known, back, { signal }), true);
  return staged.candidate.version;
}

for (const how of ["publish", "rollback", "promote"] as const) {
  test(`a document that comes to run was tried in vain no more: ${how}`, async () => {
    const { config } = openRig();
    await config.publish("one", { signal });
    const version = await tryInVain(config, "two");
    await tryInVain(config, "three");
    if (how === "publish") await config.publish("two", { signal });
    else if (how === "rollback") await config.rollback(version, { signal });
    else {
      await config.stage("two", { signal, again: true });
      const known = await candidateOf(config);
      await config.promote(known, { ...known.candidate, state: "done" }, { signal });
    }
    const { rolledBack } = (await candidateOf(config)).candidate;
    assert.deepEqual(
      rolledBack.map((one) => one.version),
      [3],
    );
  });
}

test("what was tried in vain takes the place of nothing that ran, and gives its number to nothing else", async () => {
  const { store, config } = openRig();
  const large = "x".repeat(300_000);
  const ran = ["one", `${large}two`, "three", "four", "five", "six"];
  for (const text of ran) await config.publish(text, { signal });
  const left = "/t/config/p/0000000008-left/00";
  store.put(left, "of a staging that came to nothing");
  for (let at = 0; at < 2 * KEPT_VERSIONS; at++) await tryInVain(config, `${at % 9 === 0 ? large : ""}bad ${at}`);
  for (const [at, text] of ran.entries()) {
    const read = await config.version(at + 1, { signal });
    assert.ok(read.kind === "version" && read.version.text === text, `version ${at + 1}`);
  }
  const kept = store.keys().filter((key) => key.startsWith("/t/config/v/"));
  assert.ok(kept.length <= ran.length + KEPT_VERSIONS + 1, `${kept.length} versions`);
  const pieces = store.keys().filter((key) => key.startsWith("/t/config/p/"));
  assert.ok(pieces.length <= 2 * 5, `${pieces.length} pieces`);
  assert.ok(!pieces.includes(left), "behind pieces that are kept");
  const next = await config.publish("next", { signal });
  assert.ok(next.kind === "published" && next.pointer.version === ran.length + 2 * KEPT_VERSIONS + 1);
  assert.equal((await config.rollback(1, { signal })).kind, "published");
});

test("versions that ran are kept as many as before, oldest gone first", async () => {
  const { store, config } = openRig();
  for (let at = 0; at < KEPT_VERSIONS + 6; at++) await config.publish(`text ${at}`, { signal });
  const kept = store.keys().filter((key) => key.startsWith("/t/config/v/"));
  assert.equal(kept.length, KEPT_VERSIONS);
  assert.equal(kept.toSorted()[0], "/t/config/v/0000000007");
});

test("a staging whose answer is lost is looked for, also where a leader has written since", async () => {
  const store = new FakeStore();
  const { config } = openRig({}, store);
  await config.publish("one", { signal });
  const txn = store.txn.bind(store);
  store.txn = async (...asked) => {
    await txn(...asked);
    store.txn = txn;
    const known = await candidateOf(config);
    await config.update(known, { ...known.candidate, epoch: "1.5" }, { signal });
    throw new RouterError("STORE_UNKNOWN", "the answer was lost");
  };
  const staged = await config.stage("two", { signal });
  assert.ok(staged.kind === "staged" && staged.candidate.version === 2);
  assert.equal((await candidateOf(config)).candidate.epoch, "1.5");
});

test("a staging of which nothing is there is not known to be done", async () => {
  const store = new FakeStore();
  const { config } = openRig({}, store);
  await config.publish("one", { signal });
  store.txn = async () => {
    throw new RouterError("STORE_UNKNOWN", "the answer was lost");
  };
  await assert.rejects(config.stage("two", { signal }), /the answer was lost/u);
});

test("how long a node tries it without hearing of it is told, within bounds", async () => {
  for (const [wanted, want] of [
    [undefined, 120_000],
    [45_000, 45_000],
    [1, 30_000],
    [1e9, 600_000],
  ] as const) {
    const { config } = openRig();
    await config.publish("one", { signal });
    const staged = await config.stage("two", { signal, ...(wanted !== undefined && { validForMs: wanted }) });
    assert.ok(staged.kind === "staged" && staged.candidate.validForMs === want);
  }
});
