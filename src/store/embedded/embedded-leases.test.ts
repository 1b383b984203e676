import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import type { LeaseClient } from "../lease.ts";
import type { StoreAdapter, StoreOptions } from "../store.ts";
import { openEmbeddedLeases } from "./embedded-leases.ts";
import { openEmbedded } from "./open-embedded.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-leases-"));
after(() => rmSync(folder, { recursive: true }));

const signal = new AbortController().signal;
const nothing = (): void => undefined;
const observer = { called: nothing, watchLag: nothing, resynced: nothing, renewed: nothing, sessionLost: nothing };
const TTL_MS = 10_000;

interface Rig extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly file: string;
  readonly store: StoreAdapter;
  readonly leases: LeaseClient;
  /** Of a lease that holds `/held`. */
  readonly id: string;
  isHeld(): Promise<boolean>;
}

async function openRig(name: string): Promise<Rig> {
  const clock = new ManualClock();
  clock.advance(1_000_000); // since the machine started
  const options: StoreOptions = { clock, random: seededRandom(1), observer };
  const settings = { kind: "embedded" as const, file: join(folder, name) };
  const [store, leases] = [openEmbedded(settings, options), openEmbeddedLeases(settings, options)];
  const { id } = await leases.grant(TTL_MS, { signal });
  const value = Buffer.from("v");
  await store.txn({ if: [], then: [{ kind: "put", key: "/held", value, session: id }] }, { signal });
  return {
    clock,
    file: settings.file,
    store,
    leases,
    id,
    isHeld: async () => (await store.get("/held", { signal })) !== undefined,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await leases[Symbol.asyncDispose]();
    },
  };
}

test("leases of a file: they end with their TTL exactly, and renewals count from themselves", async () => {
  await using rig = await openRig("exact.sqlite");
  rig.clock.advance(TTL_MS - 1);
  assert.equal(await rig.isHeld(), true);
  assert.deepEqual(await rig.leases.renew(rig.id, { signal }), { id: rig.id, ttlMs: TTL_MS });
  rig.clock.advance(TTL_MS - 1);
  assert.equal(await rig.isHeld(), true);
  rig.clock.advance(1);
  assert.equal(await rig.isHeld(), false);
  assert.equal(await rig.leases.renew(rig.id, { signal }), undefined);
});

for (const step of [-86_400_000, -1, 1, 86_400_000]) {
  test(`leases of a file: a wall clock that steps by ${step} ms ends none early and keeps none`, async () => {
    await using rig = await openRig(`step${step}.sqlite`);
    rig.clock.stepWall(step);
    rig.clock.advance(TTL_MS - 1);
    assert.equal(await rig.isHeld(), true);
    rig.clock.stepWall(-step);
    rig.clock.advance(1);
    assert.equal(await rig.isHeld(), false);
  });
}

test("leases of a file: none outlives a start of the machine, which is told by the boot, or by the clock", async () => {
  await using rig = await openRig("boot.sqlite");
  using database = new DatabaseSync(rig.file);
  database.exec("UPDATE leases SET boot = 'another'");
  assert.equal(await rig.isHeld(), false);

  await using other = await openRig("clock.sqlite");
  using rows = new DatabaseSync(other.file);
  rows.exec("UPDATE leases SET renewed_ms = renewed_ms + 5000, ends_ms = ends_ms + 5000"); // of a later time
  assert.equal(await other.isHeld(), false);
});

test("leases of a file: a watch tells their end with no call by anyone, within a poll", async () => {
  await using rig = await openRig("watched.sqlite");
  const leaving = new AbortController();
  const events = rig.store.watch("/held", { signal: leaving.signal })[Symbol.asyncIterator]();
  assert.equal((await events.next()).value?.kind, "snapshot");
  assert.equal((await events.next()).value?.kind, "synced");
  const next = events.next();
  rig.clock.advance(TTL_MS + 25);
  const { value: event } = await next;
  assert.ok(event?.kind === "changes");
  assert.deepEqual(event.deletes, ["/held"]);
  leaving.abort();
  assert.equal((await events.next()).done, true);
  assert.equal(rig.clock.pending, 0, "nothing is left that waits");
});

test("leases of a file: granted for at least 3 s, and all that is asked for beyond it", async () => {
  await using rig = await openRig("granted.sqlite");
  assert.equal((await rig.leases.grant(1, { signal })).ttlMs, 3_000);
  assert.equal((await rig.leases.grant(3_001, { signal })).ttlMs, 3_001);
});
