import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldClock } from "../../../test/support/held-clock.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { type ConsulAnswer, pairOf, ScriptedConsul } from "../../../test/support/scripted-consul.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { StoreAdapter, WatchEvent } from "../store.ts";
import { openConsul } from "./open-consul.ts";

/** Pauses are as short as they can be. */
const HASTY: Random = { next: () => 0 };

interface Watched extends AsyncDisposable {
  readonly store: StoreAdapter;
  readonly resyncs: string[];
  /** What came of its queries that do not wait. */
  readonly outcomes: string[];
  /** The next event, in short. */
  next(): Promise<string>;
}

function watch(
  endpoints: readonly string[],
  clock: Clock = systemClock,
  watchLag: (ms: number) => void = () => undefined,
): Watched {
  const resyncs: string[] = [];
  const outcomes: string[] = [];
  const nothing = (): void => undefined;
  const observer = {
    called: (operation: string, outcome: string) => void outcomes.push(`${operation} ${outcome}`),
    watchLag,
    resynced: (prefix: string, why: string) => void resyncs.push(`${prefix} ${why}`),
    renewed: nothing,
    sessionLost: nothing,
  };
  const store = openConsul({ kind: "consul", endpoints }, { clock, random: HASTY, observer });
  const stop = new AbortController();
  const events = store.watch("/p/", { signal: stop.signal })[Symbol.asyncIterator]();
  return {
    store,
    resyncs,
    outcomes,
    async next() {
      const { value } = (await events.next()) as IteratorResult<WatchEvent, undefined>;
      return value === undefined ? "end" : briefOf(value);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await store[Symbol.asyncDispose]();
    },
  };
}

function briefOf(event: WatchEvent): string {
  const keys = (entries: readonly { readonly key: string }[]): string => entries.map(({ key }) => key).join();
  switch (event.kind) {
    case "snapshot":
      return `snapshot ${keys(event.entries)}@${event.revision}`;
    case "synced":
      return `synced@${event.revision}`;
    case "lost":
      return "lost";
    case "changes":
      return `changes ${keys(event.puts)} -${event.deletes.join()}@${event.revision}`;
    case "resync":
      return `${event.why} ${keys(event.puts)} -${event.deletes.join()}@${event.revision}`;
    default:
      return event satisfies never;
  }
}

/** Answers the questions about the prefix one after the other; then nothing more. */
function inTurn(answers: readonly ConsulAnswer[]): (question: { readonly path: string }) => ConsulAnswer {
  const left = [...answers];
  return ({ path }) => (path.includes("recurse") ? (left.shift() ?? "hang") : { status: 404, index: 1 });
}

function listing(index: number, ...pairs: readonly unknown[]): ConsulAnswer {
  return pairs.length === 0 ? { status: 404, index } : { index, body: pairs };
}

const A = pairOf("p/a", 10);
const B = pairOf("p/b", 12);
const C = pairOf("p/c", 13);

test("consul watch: a prefix that is missing is an empty snapshot, and the index is asked for that came last", async () => {
  await using server = await ScriptedConsul.open(
    inTurn([listing(9), listing(10, A), listing(12, A, B), listing(13, B)]),
  );
  await using watched = watch([server.url]);
  const told = ["snapshot @9", "synced@9", "changes /p/a -@10", "changes /p/b -@12", "changes  -/p/a@13"];
  for (const one of told) assert.equal(await watched.next(), one);
  const queries = server.paths.filter((path) => path.includes("recurse"));
  const at = (index: number): string => `kv/p/?recurse&consistent&index=${index}&wait=6s`;
  assert.deepEqual(queries, ["kv/p/?recurse&consistent", at(9), at(10), at(12)]);
});

test("consul watch: an index of 0 is asked for as 1, which waits", async () => {
  await using server = await ScriptedConsul.open(inTurn([listing(0), listing(10, A)]));
  await using watched = watch([server.url]);
  for (const one of ["snapshot @1", "synced@1", "changes /p/a -@10"]) assert.equal(await watched.next(), one);
  assert.ok(server.paths.some((path) => path.includes("index=1&")));
});

test("consul watch: an answer without a change tells nothing", async () => {
  await using server = await ScriptedConsul.open(
    inTurn([listing(10, A), listing(10, A), listing(11, A), listing(12, A, B)]),
  );
  await using watched = watch([server.url]);
  const told = ["snapshot /p/a@10", "synced@10", "changes /p/b -@12"];
  for (const one of told) assert.equal(await watched.next(), one);
});

test("consul watch: an index that goes back with what cannot be from before is a wiped store, all of which is told", async () => {
  await using server = await ScriptedConsul.open(
    inTurn([listing(12, A, B), listing(6, pairOf("p/c", 6)), listing(7, pairOf("p/c", 7))]),
  );
  await using watched = watch([server.url]);
  const told = ["snapshot /p/a,/p/b@12", "synced@12", "wiped /p/c -/p/a,/p/b@6", "changes /p/c -@7"];
  for (const one of told) assert.equal(await watched.next(), one);
  assert.deepEqual(watched.resyncs, ["/p/ wiped"]);
});

test("consul watch: a deletion that Consul has forgotten lets its index fall, but no revision, and is no wiped store", async () => {
  const answers: readonly ConsulAnswer[] = [
    listing(12, A, B),
    listing(20, A),
    listing(10, A),
    "reset",
    listing(10, A),
    listing(21, A, pairOf("p/c", 21)),
  ];
  await using server = await ScriptedConsul.open(inTurn(answers));
  await using watched = watch([server.url]);
  const told = ["snapshot /p/a,/p/b@12", "synced@12", "changes  -/p/b@20", "lost", "synced@20", "changes /p/c -@21"];
  for (const one of told) assert.equal(await watched.next(), one);
  assert.ok(
    server.paths.some((path) => path.includes("index=10&")),
    "it waits for what comes after the lower index",
  );
});

test("consul watch: a query that nobody answers is given up soon after Consul should have, and the next endpoint asked at once", async () => {
  const clock = new ManualClock();
  await using first = await ScriptedConsul.open(inTurn([listing(12, A)]));
  await using second = await ScriptedConsul.open(inTurn([listing(13, A, C)]));
  await using watched = watch([first.url, second.url], clock);
  for (const one of ["snapshot /p/a@12", "synced@12"]) assert.equal(await watched.next(), one);
  const lost = watched.next();
  await first.untilAsked(2);
  clock.advance(10_374);
  assert.equal(clock.pending, 2, "Consul may still answer; the other one measures the lag");
  clock.advance(1);
  assert.equal(await lost, "lost");
  const changes = watched.next();
  clock.advance(50);
  assert.equal(await changes, "changes /p/c -@13");
  assert.equal(await watched.next(), "synced@13");
  assert.deepEqual(second.paths, ["kv/p/?recurse&consistent"], "what is there now, without waiting");
});

test("consul watch: of a prefix where nothing is, what others write elsewhere is not waited for", async () => {
  const clock = new HeldClock();
  let highest = 12;
  await using server = await ScriptedConsul.open(({ path }) => {
    if (path.includes("index=")) return "hang";
    return { status: 404, index: highest++ };
  });
  const lag = Promise.withResolvers<number>();
  await using watched = watch([server.url], clock, lag.resolve);
  for (const one of ["snapshot @12", "synced@12"]) assert.equal(await watched.next(), one);
  const pending = watched.next();
  await server.untilAsked(3);
  await clock.runNext(12_000, 18_000);
  assert.ok((await lag.promise) >= 0);
  assert.match(server.paths.at(-1) ?? "", /^kv\/p\/\?keys&separator=\/&consistent$/u);
  await watched[Symbol.asyncDispose]();
  assert.equal(await pending, "end");
});

test("consul watch: what is lost is told once, however often it fails, and synced once when it is back", async () => {
  const resets: ConsulAnswer[] = Array(4).fill("reset");
  await using server = await ScriptedConsul.open(
    inTurn([listing(12, A), ...resets, listing(12, A), "reset", listing(13, A, C)]),
  );
  await using watched = watch([server.url]);
  const told = ["snapshot /p/a@12", "synced@12", "lost", "synced@12", "lost", "changes /p/c -@13", "synced@13"];
  for (const one of told) assert.equal(await watched.next(), one);
  const failed = Array(3).fill("watch unreachable");
  assert.deepEqual(watched.outcomes, ["watch done", ...failed, "watch done", "watch done"]);
});

test("consul watch: a prefix that changes all the time is read a few times at once, and then four times a second", async () => {
  const clock = new ManualClock();
  let index = 10;
  await using server = await ScriptedConsul.open(({ path }) => {
    if (!path.includes("recurse")) return { status: 404, index: 1 };
    index++;
    return listing(index, pairOf("p/a", index));
  });
  await using watched = watch([server.url], clock);
  for (let i = 0; i < 9; i++) await watched.next(); // a snapshot, synced, and 7 changes
  assert.equal(server.asked.length, 8);
  const next = watched.next();
  while (clock.pending === 0) await new Promise(setImmediate);
  assert.equal(server.asked.length, 8, "it waits");
  clock.advance(250);
  await next;
  assert.equal(server.asked.length, 9);
});

test("consul watch: without the right to read it is lost, says why, and goes on when the right is given", async () => {
  let isAllowed = false;
  await using server = await ScriptedConsul.open(({ path }) => {
    if (isAllowed) return listing(12, A);
    return path.includes("recurse") ? listing(12) : { status: 403, body: "Permission denied" };
  });
  const clock = new ManualClock();
  await using watched = watch([server.url], clock);
  assert.equal(await watched.next(), "lost");
  isAllowed = true;
  const next = watched.next();
  clock.advance(50);
  assert.equal(await next, "snapshot /p/a@12");
});

test("consul watch: ends with its signal, and with no query left behind", async () => {
  const clock = new ManualClock();
  await using server = await ScriptedConsul.open(inTurn([listing(12, A)]));
  const nothing = (): void => undefined;
  const observer = { called: nothing, watchLag: nothing, resynced: nothing, renewed: nothing, sessionLost: nothing };
  await using store = openConsul({ kind: "consul", endpoints: [server.url] }, { clock, random: HASTY, observer });
  const stop = new AbortController();
  const told: string[] = [];
  void server.untilAsked(2).then(() => stop.abort());
  for await (const event of store.watch("/p/", { signal: stop.signal })) told.push(event.kind);
  assert.deepEqual([told, clock.pending], [["snapshot", "synced"], 0]);
});
