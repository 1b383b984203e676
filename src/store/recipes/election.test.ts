import assert from "node:assert/strict";
import { test } from "node:test";
import { RouterError } from "../../core/errors.ts";
import { RiggedStore } from "../../../test/support/rigged-store.ts";
import type { Txn, WatchEvent } from "../store.ts";
import type { ObservedLeader } from "./election-observe.ts";
import { createElection, type Election, type Leadership, MAX_LEADER_VALUE } from "./election.ts";
import { listElections } from "./lock-list.ts";

const NEVER = new AbortController().signal;
const WRITE: Txn = { if: [], then: [{ kind: "put", key: "/test/work", value: Buffer.from("x") }] };

interface Standing {
  readonly won: Promise<Leadership>;
}

/** Stands for it: its key is there. */
async function stand(store: RiggedStore, id: string, value = id, signal = NEVER): Promise<Standing> {
  const before = (await store.entries()).length;
  const won = electionOf(store).campaign(value, { id, signal });
  won.catch(() => undefined);
  await store.until(async () => (await store.entries()).length > before);
  await store.settle();
  return { won };
}

function electionOf(store: RiggedStore): Election {
  return createElection(store.place, "top");
}

async function lead(store: RiggedStore, id: string): Promise<Leadership> {
  const { won } = await stand(store, id);
  return await store.pass(won);
}

/** What an observer is told, in words; each once. */
function observe(store: RiggedStore, signal: AbortSignal): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const leader of electionOf(store).observe({ signal })) seen.push(inWords(leader));
  })();
  return seen;
}

function inWords(leader: ObservedLeader): string {
  if (leader.kind === "leader") return `${leader.id} ${leader.value}`;
  return leader.kind === "none" ? "none" : `unknown: ${leader.reason}`;
}

function isCode(code: string): (cause: unknown) => boolean {
  return (cause) => cause instanceof RouterError && cause.code === code;
}

test("election: one leads, says what it likes, and resigns; the next one leads with a greater epoch", async () => {
  await using store = RiggedStore.open();
  const over = new AbortController();
  const seen = observe(store, over.signal);
  await store.settle();
  const a = await lead(store, "a");
  const b = await stand(store, "b");
  await store.settle();
  await store.pass(a.proclaim("busy", { signal: NEVER }));
  assert.equal(a.value, "busy");
  await store.settle();
  const leader = await store.pass(electionOf(store).leader({ signal: NEVER }));
  assert.ok(leader.kind === "leader");
  assert.deepEqual({ ...leader, sinceMs: 0 }, { kind: "leader", id: "a", value: "busy", epoch: a.epoch, sinceMs: 0 });
  await store.pass(a.resign());
  assert.equal(a.lost.aborted, true);
  const next = await store.pass(b.won);
  assert.ok(next.epoch > a.epoch);
  await store.settle();
  await store.pass(next.resign());
  await store.settle();
  over.abort();
  assert.deepEqual(seen, ["none", "a a", "a busy", "none", "b b", "none"]);
});

test("election: a leader's key, its epoch and what it says stay the same key's", async () => {
  await using store = RiggedStore.open();
  const a = await lead(store, "a");
  const b = await stand(store, "b");
  await store.pass(a.proclaim("again", { signal: NEVER }));
  const { seats } = await store.pass(listElections(store.place, { signal: NEVER }));
  assert.deepEqual(seats, [
    { name: "top", holder: "a", epoch: a.epoch, sinceMs: seats[0]?.sinceMs, value: "again", waiting: ["b"] },
  ]);
  await store.pass(a.resign());
  await store.pass((await store.pass(b.won)).resign());
  assert.deepEqual((await store.pass(listElections(store.place, { signal: NEVER }))).seats, []);
});

test("election: a leader that is none any more says nothing, and writes nothing", async () => {
  await using store = RiggedStore.open();
  store.isBlind = true;
  const a = await lead(store, "a");
  await store.sessions[0]?.endInStore();
  await assert.rejects(store.pass(a.proclaim("still here", { signal: NEVER })), isCode("NOT_OWNER"));
  await assert.rejects(store.pass(a.guarded(WRITE, { signal: NEVER })), isCode("NOT_OWNER"));
  assert.equal(a.lost.aborted, true);
  assert.deepEqual(await store.entries(), []);
});

test("election: a leader whose session the store does not know any more is none", async () => {
  await using store = RiggedStore.open();
  store.isBlind = true;
  const a = await lead(store, "a");
  store.beforeTxn = ({ then: [write] }) => {
    if (write?.kind === "put") throw new RouterError("SESSION_LOST", "it has ended");
  };
  await assert.rejects(store.pass(a.guarded(WRITE, { signal: NEVER })), isCode("SESSION_LOST"));
  assert.equal(a.lost.aborted, false, "that is another's session");
  await assert.rejects(store.pass(a.proclaim("still here", { signal: NEVER })), isCode("NOT_OWNER"));
  assert.equal(a.lost.aborted, true);
});

test("election: a candidate whose key went while it waited leads nobody, and stands again", async () => {
  await using store = RiggedStore.open();
  const over = new AbortController();
  const seen = observe(store, over.signal);
  const a = await lead(store, "a");
  const b = await stand(store, "b");
  await store.sessions[1]?.endInStore(); // and b does not know
  const c = await stand(store, "c");
  await store.pass(a.resign());
  const third = await store.pass(c.won);
  await store.settle();
  await store.until(async () => (await store.entries()).length === 2);
  await store.pass(third.resign());
  const second = await store.pass(b.won);
  assert.ok(second.epoch > third.epoch);
  await store.settle();
  over.abort();
  assert.deepEqual(
    seen.filter((one) => one !== "none"),
    ["a a", "c c", "b b"],
  );
});

test("election: a candidate whose turn it is leads nobody until it knows", async () => {
  await using store = RiggedStore.open();
  const a = await lead(store, "a");
  const b = await stand(store, "b");
  const confirms = Promise.withResolvers<void>();
  store.beforeTxn = ({ if: [first], then: [write] }) =>
    first?.kind === "created" && write?.kind === "put" ? confirms.promise : undefined;
  await store.pass(a.resign());
  await store.settle();
  const { seats } = await store.pass(listElections(store.place, { signal: NEVER }));
  assert.deepEqual(
    seats.map(({ holder, waiting }) => ({ holder, waiting })),
    [{ holder: undefined, waiting: ["b"] }],
  );
  assert.deepEqual(await store.pass(electionOf(store).leader({ signal: NEVER })), { kind: "none" });
  confirms.resolve();
  await store.pass(b.won);
  assert.equal(inWords(await store.pass(electionOf(store).leader({ signal: NEVER }))), "b b");
});

test("election: who does not want to any more leaves nothing behind", async () => {
  await using store = RiggedStore.open();
  await lead(store, "a");
  const enough = new AbortController();
  const b = await stand(store, "b", "b", enough.signal);
  enough.abort(new Error("enough"));
  await assert.rejects(store.pass(b.won), /enough/u);
  assert.equal((await store.entries()).length, 1);
});

test("election: where there is no order one leads, too, and observers are told of it alone", async () => {
  await using store = RiggedStore.open();
  store.beUnfair();
  const over = new AbortController();
  const a = await lead(store, "a");
  const b = await stand(store, "b");
  const seen = observe(store, over.signal);
  await store.settle();
  const { seats } = await store.pass(listElections(store.place, { signal: NEVER }));
  assert.deepEqual(
    seats.map(({ holder, waiting }) => ({ holder, waiting })),
    [{ holder: "a", waiting: ["b"] }],
  );
  await store.pass(a.proclaim("busy", { signal: NEVER }));
  await store.pass(a.resign());
  const second = await store.pass(b.won);
  assert.ok(second.epoch > a.epoch);
  await store.settle();
  over.abort();
  assert.deepEqual(seen.at(0), "a a");
  assert.deepEqual(seen.at(-1), "b b");
});

test("election: observers are told when they cannot know, and of what is so after that", async () => {
  await using store = RiggedStore.open();
  await using a = await lead(store, "a");
  const [entry] = await store.entries();
  assert.ok(entry !== undefined);
  const newer = { ...entry, modified: entry.modified + 1n, created: entry.created + 1n };
  const events: WatchEvent[] = [
    { kind: "snapshot", entries: [entry], revision: 10n },
    { kind: "synced", revision: 10n },
    { kind: "lost", reason: "away" },
    { kind: "changes", puts: [], deletes: [entry.key], revision: 11n },
    { kind: "changes", puts: [newer], deletes: [], revision: 12n },
    { kind: "synced", revision: 12n },
    { kind: "resync", why: "compacted", puts: [], deletes: [entry.key], revision: 20n },
    { kind: "lost", reason: "away" },
    { kind: "synced", revision: 20n },
  ];
  store.watch = async function* () {
    yield* events;
  };
  const seen: ObservedLeader[] = [];
  for await (const leader of electionOf(store).observe({ signal: NEVER })) seen.push(leader);
  assert.deepEqual(seen.map(inWords), ["a a", "unknown: away", "a a", "none", "unknown: away", "none"]);
  assert.deepEqual(
    seen.map((leader) => (leader.kind === "leader" ? leader.epoch - a.epoch : undefined)),
    [0n, undefined, 1n, undefined, undefined, undefined],
  );
});

test("election: what candidates say, and their names, have bounds", async () => {
  await using store = RiggedStore.open();
  const election = electionOf(store);
  const tooLong = "é".repeat(MAX_LEADER_VALUE / 2 + 1);
  await assert.rejects(election.campaign(tooLong, { id: "a", signal: NEVER }), isCode("STORE_REFUSED"));
  await assert.rejects(election.campaign("", { id: "", signal: NEVER }), isCode("STORE_REFUSED"));
  assert.throws(() => createElection(store.place, "a/b"), isCode("STORE_REFUSED"));
  assert.deepEqual(await store.entries(), []);
  // The worst there is: each of its bytes is six in the store.
  const { won } = await stand(store, "a", "\u0001".repeat(MAX_LEADER_VALUE));
  await using a = await store.pass(won);
  await assert.rejects(a.proclaim(tooLong, { signal: NEVER }), isCode("STORE_REFUSED"));
  assert.equal(a.lost.aborted, false);
});
