import { type Clock, machineMs, systemClock } from "../../src/core/clock.ts";
import { collectAll } from "../../src/core/collect.ts";
import { systemRandom } from "../../src/core/random.ts";
import { createLock, type LockGuard } from "../../src/store/recipes/lock.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import type { Revision, Store, Txn, WatchEvent, Write } from "../../src/store/store.ts";
import { median } from "../parts/statistics.ts";
import { pause } from "../pause.ts";
import { privateBytesOf } from "../process-usage.ts";
import type { StoreLag, StoreRates } from "./messages.ts";

/** What a client measures of a store; all keys are below this. */
const PREFIX = "/signalbox-bench";
const VALUE = Buffer.alloc(200, 1);
const clock: Clock = systemClock;
const { signal } = new AbortController();

/** Closed loops: each of so many has one call under way. */
export async function measureRates(store: Store, inFlight: number, windowMs: number): Promise<StoreRates> {
  const puts = await perSecond(inFlight, windowMs, async (loop) => {
    await store.txn({ if: [], then: [putOf(`${PREFIX}/puts/${loop}`)] }, { signal });
  });
  const revisions: (Revision | undefined)[] = [];
  const txns = await perSecond(inFlight, windowMs, async (loop) => {
    const outcome = await store.txn(stepOf(loop, revisions[loop]), { signal });
    if (!outcome.done) throw new Error(`somebody else writes ${PREFIX}`);
    revisions[loop] = outcome.revision;
  });
  const gets = await perSecond(inFlight, windowMs, async (loop) => {
    await store.get(`${PREFIX}/puts/${loop}`, { signal });
  });
  return { inFlight, puts, txns, gets };
}

/** From before the write is sent to the watch's event; one after the other. */
export async function measureLag(store: Store, writes: number, withinMs: number): Promise<StoreLag> {
  const stop = new AbortController();
  const events = store.watch(`${PREFIX}/lag/`, { signal: stop.signal })[Symbol.asyncIterator]();
  await nextOf(events, ({ kind }) => kind === "synced");
  const endMs = clock.nowMs() + withinMs;
  const lags: number[] = [];
  while (lags.length < writes && clock.nowMs() < endMs) {
    const startMs = clock.nowMs();
    const seen = nextOf(events, ({ kind }) => kind === "changes").then(() => clock.nowMs());
    await store.txn({ if: [], then: [putOf(`${PREFIX}/lag/one`)] }, { signal });
    lags.push((await seen) - startMs);
  }
  stop.abort(new Error("measured"));
  const sorted = lags.toSorted((a, b) => a - b);
  return { writes: lags.length, p50Ms: median(lags), p99Ms: sorted[Math.floor(0.99 * (lags.length - 1))] ?? 0 };
}

/** Bytes of this process for each watch of a key of its own, once all have told what is there. */
export async function measureWatches(store: Store, count: number): Promise<number> {
  const stop = new AbortController();
  const open = async (key: string): Promise<void> => {
    const events = store.watch(key, { signal: stop.signal })[Symbol.asyncIterator]();
    await nextOf(events, ({ kind }) => kind === "synced");
    void nextOf(events, () => false).catch(() => undefined);
  };
  const [first = "", ...keys] = Array.from({ length: count + 1 }, (_, i) => `${PREFIX}/watches/${i}`);
  for (let at = 0; at < keys.length; at += TOGETHER) {
    const writes = keys.slice(at, at + TOGETHER).map(putOf);
    await store.txn({ if: [], then: writes }, { signal });
  }
  await open(first); // what the first one makes is not counted
  const before = await restingBytes();
  await Promise.all(keys.map(open));
  const after = await restingBytes();
  stop.abort(new Error("measured"));
  return (after - before) / count;
}

/** From giving a lock back to the next one's having it. */
export async function measureHandOver(store: Store, rounds: number): Promise<number> {
  const place = placeOf(store);
  const times: number[] = [];
  let guard = await createLock(place, "handed", { holder: "first" }).acquire({ signal });
  for (let round = 0; round < rounds; round++) {
    const next = createLock(place, "handed", { holder: `waits ${round}` }).acquire({ signal });
    await pause(QUEUE_MS);
    const startMs = clock.nowMs();
    const given = guard.release();
    guard = await next;
    times.push(clock.nowMs() - startMs);
    await given;
  }
  await guard.release();
  return median(times);
}

/** Of a process that is killed, and of the one that takes over from it. */
export function takeLock(store: Store, lock: number): Promise<LockGuard> {
  return createLock(placeOf(store), `killed-${lock}`, { holder: `process ${process.pid}` }).acquire({
    signal,
    leaseDurationMs: store.facts.minTtlMs,
  });
}

/** The same in all processes. */
export function machineNowMs(): number {
  return machineMs(clock);
}

/** Keys that are written in one transaction. */
const TOGETHER = 50;
/** Until somebody who asks for a lock waits for it. */
const QUEUE_MS = 300;
const REST_MS = 500;

function placeOf(store: Store): RecipePlace {
  return { store, prefix: PREFIX, clock, random: systemRandom };
}

async function perSecond(inFlight: number, windowMs: number, call: (loop: number) => Promise<void>): Promise<number> {
  let calls = 0;
  const over = new AbortController();
  const run = async (loop: number): Promise<void> => {
    while (!over.signal.aborted) {
      await call(loop);
      calls++;
    }
  };
  const loops = Promise.all(Array.from({ length: inFlight }, (_, loop) => run(loop)));
  await Promise.race([pause(windowMs / 4), loops]); // what is only the first time; and what fails
  calls = 0;
  const startMs = clock.nowMs();
  await Promise.race([pause(windowMs), loops]);
  const rate = (calls * 1_000) / (clock.nowMs() - startMs);
  over.abort();
  await loops;
  return rate;
}

/** Two keys, of which one is compared: as a leader writes. */
function stepOf(loop: number, revision: Revision | undefined): Txn {
  const key = `${PREFIX}/txns/${loop}`;
  return {
    if: revision === undefined ? [] : [{ kind: "modified", key, revision }],
    then: [putOf(key), putOf(`${key}/more`)],
  };
}

function putOf(key: string): Write {
  return { kind: "put", key, value: VALUE };
}

async function nextOf(events: AsyncIterator<WatchEvent>, is: (event: WatchEvent) => boolean): Promise<void> {
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) throw new Error("the watch has ended");
    if (is(value)) return;
  }
}

async function restingBytes(): Promise<number> {
  collectAll();
  await pause(REST_MS);
  collectAll();
  return privateBytesOf(process.pid);
}
