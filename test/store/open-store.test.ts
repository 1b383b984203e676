import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { inspect } from "node:util";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { RouterError } from "../../src/core/errors.ts";
import { openStore } from "../../src/store/open-store.ts";
import { createLock } from "../../src/store/recipes/lock.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import type { Registration } from "../../src/store/recipes/registration.ts";
import { createRegistry } from "../../src/store/recipes/registry.ts";
import { createSharedConfig } from "../../src/store/recipes/shared-config.ts";
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
  await assert.rejects(store.openSession({ signal }), { code: "SHUTDOWN" });
});

for (const deadlineMs of [2 ** 31, Number.POSITIVE_INFINITY]) {
  test(`a deadline of ${deadlineMs} ms, which no timer counts, is a late one`, async () => {
    await using store = await openStore(MEMORY, world(systemClock));
    await using session = await store.openSession({ signal, deadlineMs });
    assert(session.validForMs() > 0);
  });
}

const MEMBER = { id: "a", name: "n", address: "10.0.0.1:1", region: "r", capacity: 1, version: "1", metadata: {} };
for (const settings of [
  MEMORY,
  { kind: "etcd", endpoints: ["http://127.0.0.1:1"], compact: false },
  { kind: "consul", endpoints: ["http://127.0.0.1:1"] },
] satisfies StoreSettings[]) {
  test(`${settings.kind}: whoever waits for something of a store that is closed waits no longer`, async () => {
    const options = world(systemClock);
    const store = await openStore(settings, options);
    const place: RecipePlace = { store, prefix: "/test", ...options };
    const isThere = settings.kind === "embedded";
    if (isThere) await createLock(place, "taken", { holder: "a" }).acquire({ signal });
    const told: string[] = [];
    const watching = Array.fromAsync(store.watch("/test/", { signal }), ({ kind }) => told.push(kind));
    const following = Array.fromAsync(createSharedConfig(place).watch({ signal }));
    const waiting = [createLock(place, "taken", { holder: "b" }).acquire({ signal })];
    const registry = createRegistry(place);
    let listed: Registration | undefined;
    if (isThere) listed = await registry.register(MEMBER, { signal });
    const registering = registry.register(isThere ? { ...MEMBER, address: "10.0.0.2:2" } : MEMBER, { signal });
    const outcomes = Promise.allSettled([...waiting, registering]);
    await store[Symbol.asyncDispose]();
    for (const outcome of await outcomes) {
      assert.equal(outcome.status === "rejected" && (outcome.reason as RouterError).code, "SHUTDOWN");
    }
    await Promise.all([watching, following]);
    await assert.rejects(store.get("/a", { signal }), { code: "SHUTDOWN" });
    await listed?.deregister();
    assert.equal(listed?.isListed ?? false, false);
  });
}

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

test("sessions are opened by programs that come as text, and by those with flags of all kinds", () => {
  const openStoreFile = new URL("../../src/store/open-store.ts", import.meta.url).href;
  const coreFile = (name: string): string => new URL(`../../src/core/${name}.ts`, import.meta.url).href;
  const program = `
    import { openStore } from "${openStoreFile}";
    import { systemClock as clock } from "${coreFile("clock")}";
    import { systemRandom as random } from "${coreFile("random")}";
    const nothing = () => undefined;
    const observer = { called: nothing, watchLag: nothing, resynced: nothing, renewed: nothing, sessionLost: nothing };
    await using store = await openStore({ kind: "embedded", file: ":memory:" }, { clock, random, observer });
    const session = await store.openSession({ signal: new AbortController().signal });
    console.log(session.validForMs() > 0 ? "valid" : "lost");`;
  for (const flags of [["--tls-min-v1.3", "--expose-gc"], ["--no-warnings"]]) {
    const args = [...flags, "--input-type=module", "--eval", program];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(stdout.trim(), "valid", stderr);
  }
});

const CLOSED = "http://127.0.0.1:1";
const SECRET = "swordfish-42";
for (const settings of [
  { kind: "etcd", endpoints: [CLOSED], user: { name: "node", password: SECRET }, compact: false },
  { kind: "consul", endpoints: [CLOSED], token: SECRET },
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
