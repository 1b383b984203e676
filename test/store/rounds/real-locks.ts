import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../../../src/core/clock.ts";
import { RouterError } from "../../../src/core/errors.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { createElection } from "../../../src/store/recipes/election.ts";
import { listLocks } from "../../../src/store/recipes/lock-list.ts";
import { createLock } from "../../../src/store/recipes/lock.ts";
import type { RecipePlace } from "../../../src/store/recipes/place.ts";
import { UNOBSERVED } from "../../../src/store/store-metrics.ts";
import type { Store, StoreSettings } from "../../../src/store/store.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { type Arena, type ArenaName, openArena } from "./arena.ts";
import { skipWithout } from "./safe-rounds.ts";

const NEVER = new AbortController().signal;

/** Locks and elections on a real store, with its own sessions and its own time. */
export function realLocks(name: ArenaName): void {
  describe(`locks on ${name}`, { skip: skipWithout(name) }, () => {
    let arena: Arena | undefined;
    before(async () => {
      arena = await openArena(name);
    });
    after(() => arena?.[Symbol.asyncDispose]());
    const settings = (): StoreSettings => arena?.settings ?? assert.fail("it is not open");
    for (const [title, run] of Object.entries(ON_A_STORE)) {
      test(title, async () => {
        await using store = await open(settings());
        await run(store);
      });
    }
    // There is no network between a node and its own file.
    if (name === "embedded") return;
    test("giving one back outlasts an outage that the session survives", () => outlastOutage(settings()));
  });
}

const ON_A_STORE: Readonly<Record<string, (store: Store) => Promise<void>>> = {
  "they pass from one to the next, in order where the store keeps one, with rising epochs": passOn,
  "who waits for too long, or only tries, leaves nothing behind": leaveNothing,
  "a holder whose key somebody deletes knows it, and writes nothing more": knowLoss,
  "observers see who leads, what it says, and who comes next": observe,
};

async function passOn(store: Store): Promise<void> {
  const lock = (holder: string) => createLock(placeOf(store), "passed", { holder });
  const first = await lock("a").acquire({ signal: NEVER });
  const others = [];
  for (const holder of ["b", "c"]) {
    others.push({ holder, held: lock(holder).acquire({ signal: NEVER }) });
    await untilWaiting(store, "passed", others.length);
  }
  await first.release();
  const next = await Promise.race(others.map(async ({ holder, held }) => ({ holder, guard: await held })));
  assert.ok(next.guard.epoch > first.epoch);
  if (store.facts.isFair) assert.equal(next.holder, "b");
  await next.guard.release();
  const last = await others.find(({ holder }) => holder !== next.holder)?.held;
  assert.ok(last !== undefined && last.epoch > next.guard.epoch);
  await last.release();
  await untilEmpty(store, "passed");
}

async function leaveNothing(store: Store): Promise<void> {
  const lock = createLock(placeOf(store), "busy", { holder: "a" });
  const guard = await lock.acquire({ signal: NEVER });
  const [own] = await keys(store, "busy");
  await assert.rejects(lock.acquire({ signal: NEVER, timeoutMs: 200 }), isCode("TIMED_OUT"));
  assert.equal(await lock.tryAcquire({ signal: NEVER }), undefined);
  assert.deepEqual(await keys(store, "busy"), [own]);
  await guard.release();
  await untilEmpty(store, "busy");
}

async function knowLoss(store: Store): Promise<void> {
  await using guard = await createLock(placeOf(store), "taken", { holder: "a" }).acquire({ signal: NEVER });
  const write = { if: [], then: [{ kind: "put" as const, key: "/locks-test/work", value: Buffer.from("x") }] };
  assert.equal((await guard.guarded(write, { signal: NEVER })).done, true);
  const [key = ""] = await keys(store, "taken");
  await store.txn({ if: [], then: [{ kind: "delete", key }] }, { signal: NEVER });
  await untilAborted(guard.lost);
  assert.equal(guard.validForMs(), 0);
  await assert.rejects(guard.guarded(write, { signal: NEVER }), isCode("NOT_OWNER"));
}

async function observe(store: Store): Promise<void> {
  const over = new AbortController();
  const election = createElection(placeOf(store), "top");
  const seen = election.observe({ signal: over.signal })[Symbol.asyncIterator]();
  const until = async (id: string, value: string): Promise<void> => {
    for (;;) {
      const { value: leader } = await seen.next();
      if (leader?.kind === "leader" && leader.id === id && leader.value === value) return;
    }
  };
  const a = await election.campaign("hello", { id: "a", signal: NEVER });
  const b = election.campaign("b", { id: "b", signal: NEVER });
  await until("a", "hello");
  await a.proclaim("busy", { signal: NEVER });
  await until("a", "busy");
  await a.resign();
  await until("b", "b");
  await (await b).resign();
  over.abort();
}

async function outlastOutage(settings: StoreSettings): Promise<void> {
  if (settings.kind === "embedded") return;
  await using proxy = await FaultProxy.open(Number(new URL(settings.endpoints[0] ?? "").port));
  const through = { ...settings, endpoints: [`http://127.0.0.1:${proxy.port}`] };
  await using far = await open(through);
  await using near = await open(settings);
  const guard = await createLock(placeOf(far), "kept", { holder: "a" }).acquire({
    signal: NEVER,
    leaseDurationMs: 60_000,
  });
  proxy.mode = "refuse";
  proxy.cut();
  await guard.release();
  assert.equal(guard.lost.aborted, true);
  assert.equal((await keys(near, "kept")).length, 1);
  const waiting = createLock(placeOf(near), "kept", { holder: "b" }).acquire({ signal: NEVER });
  proxy.mode = "pass";
  // A minute before the store would have ended the session by itself.
  const next = await waiting;
  assert.ok(next.epoch > guard.epoch);
  await next.release();
}

function open(settings: StoreSettings): Promise<Store> {
  return openStore(settings, { clock: systemClock, random: systemRandom, observer: UNOBSERVED });
}

function placeOf(store: Store): RecipePlace {
  return { store, prefix: "/locks-test", clock: systemClock, random: systemRandom };
}

async function keys(store: Store, lock: string): Promise<string[]> {
  const { entries } = await store.list(`/locks-test/locks/${lock}/`, { signal: NEVER });
  return entries.map(({ key }) => key);
}

async function untilEmpty(store: Store, lock: string): Promise<void> {
  for await (const _ of store.watch(`/locks-test/locks/${lock}/`, { signal: NEVER })) {
    if ((await keys(store, lock)).length === 0) return;
  }
}

async function untilWaiting(store: Store, lock: string, count: number): Promise<void> {
  for await (const _ of store.watch(`/locks-test/locks/${lock}/`, { signal: NEVER })) {
    const { seats } = await listLocks(placeOf(store), { signal: NEVER });
    if (seats.find(({ name }) => name === lock)?.waiting.length === count) return;
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function isCode(code: string): (cause: unknown) => boolean {
  return (cause) => cause instanceof RouterError && cause.code === code;
}
