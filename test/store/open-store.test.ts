import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { Store, StoreObserver, StoreOptions, StoreSettings } from "../../src/store/store.ts";
import { ManualClock } from "../support/manual-clock.ts";

const { signal } = new AbortController();

function world(clock: StoreOptions["clock"], told: string[] = []): StoreOptions {
  const observer: StoreObserver = {
    called: (operation, outcome) => told.push(`${operation} ${outcome}`),
    watchLag: () => undefined,
    resynced: () => undefined,
    renewed: () => told.push("renewed"),
    sessionLost: (why) => told.push(`lost: ${why}`),
  };
  return { clock, random: seededRandom(1), observer };
}

const MEMORY: StoreSettings = { kind: "embedded", file: ":memory:" };

async function put(store: Store, key: string, session?: string): Promise<void> {
  await store.txn({ if: [], then: [{ kind: "put", key, value: Buffer.from("x"), session }] }, { signal });
}

test("what was put with a session goes when it is closed, and nothing can be put with it any more", async () => {
  const told: string[] = [];
  await using store = await openStore(MEMORY, world(systemClock, told));
  const session = await store.openSession({ signal });
  await put(store, "/a", session.id);
  await put(store, "/b");
  assert.equal((await store.get("/a", { signal }))?.session, session.id);
  await session.close();
  const { entries } = await store.list("/", { signal });
  assert.deepEqual(
    entries.map(({ key }) => key),
    ["/b"],
  );
  await assert.rejects(put(store, "/a", session.id), { code: "SESSION_LOST" });
  for (const line of ["open_session done", "close_session done"]) {
    assert.equal(told.filter((one) => one === line).length, 1, told.join(", "));
  }
});

test("sessions end with their store, and the thread that renewed them with the last one", async () => {
  const store = await openStore(MEMORY, world(systemClock));
  const sessions = await Promise.all([store.openSession({ signal }), store.openSession({ ttlMs: 1, signal })]);
  assert.deepEqual(
    sessions.map(({ ttlMs }) => ttlMs),
    [15_000, store.facts.minTtlMs],
  );
  await store[Symbol.asyncDispose]();
  assert(sessions.every(({ lost }) => lost.aborted));
  assert(!process.getActiveResourcesInfo().includes("MessagePort"));
  await assert.rejects(store.openSession({ signal }), { code: "STORE_UNREACHABLE" });
});

test("with a clock that no other thread has, sessions are renewed by it", async () => {
  const clock = new ManualClock();
  const told: string[] = [];
  await using store = await openStore(MEMORY, world(clock, told));
  const session = await store.openSession({ ttlMs: 6_000, signal });
  await put(store, "/a", session.id);
  for (let ms = 0; ms < 60_000; ms += 500) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert(session.validForMs() > 0);
  assert(told.filter((line) => line === "renewed").length >= 25);
  clock.advance(30_000); // all at once, as a process that was stopped
  assert.deepEqual([session.validForMs(), await store.get("/a", { signal })], [0, undefined]);
});

const NOWHERE = "http://127.0.0.1:1";
const SECRET = "swordfish-42";
for (const settings of [
  { kind: "etcd", endpoints: [NOWHERE], user: { name: "node", password: SECRET }, compact: false },
  { kind: "consul", endpoints: [NOWHERE], token: SECRET },
] satisfies StoreSettings[]) {
  test(`${settings.kind}: what must not be seen is neither in the store nor in what it throws`, async () => {
    await using store = await openStore(settings, world(systemClock));
    const shown = [inspect(store, { depth: 20, showHidden: true }), JSON.stringify(store)];
    for (const call of [
      () => store.openSession({ signal, deadlineMs: 2_000 }),
      () => store.get("/a", { signal, deadlineMs: 500 }),
    ]) {
      await assert.rejects(call(), (cause: unknown) => shown.push(inspect(cause, { depth: 20, showHidden: true })) > 0);
    }
    assert.equal(shown.length, 4);
    for (const text of shown) assert(!text.includes(SECRET), text);
  });
}
