import assert from "node:assert/strict";
import { test } from "node:test";
import { RouterError } from "../../core/errors.ts";
import { guarded, isCode, keysLeft, lockOf, NEVER, queue, queueUp, take } from "../../../test/support/rigged-locks.ts";
import { RiggedStore } from "../../../test/support/rigged-store.ts";

const losses: { name: string; lose: (store: RiggedStore, key: string) => Promise<void> | void }[] = [
  { name: "its session is lost", lose: (store) => store.sessions[0]?.lose() },
  { name: "the store ends its session", lose: (store) => store.sessions[0]?.endInStore() },
  {
    name: "somebody deletes its key",
    lose: async (store, key) => void (await store.write({ if: [], then: [{ kind: "delete", key }] })),
  },
  {
    name: "somebody writes over its key, which then would never go",
    lose: async (store, key) =>
      void (await store.write({ if: [], then: [{ kind: "put", key, value: Buffer.from("mine") }] })),
  },
];

for (const { name, lose } of losses) {
  test(`lock: the holder knows that it is lost when ${name}`, async () => {
    await using store = RiggedStore.open();
    const guard = await take(store);
    const [entry] = await store.entries();
    await lose(store, entry?.key ?? "");
    await store.until(() => guard.lost.aborted);
    assert.ok(isCode("NOT_OWNER")(guard.lost.reason));
    assert.equal(guard.validForMs(), 0);
    await assert.rejects(store.pass(guarded(guard)), isCode("NOT_OWNER"));
    await store.until(() => store.sessions[0]?.isClosed === true);
    assert.deepEqual(await keysLeft(store), [], "nothing of it stays, and nothing was written");
  });
}

test("lock: a holder who does not know yet that it is lost writes nothing", async () => {
  await using store = RiggedStore.open();
  store.isBlind = true;
  const guard = await take(store);
  await store.sessions[0]?.endInStore();
  assert.ok(guard.validForMs() > 0);
  await assert.rejects(store.pass(guarded(guard)), isCode("NOT_OWNER"));
  assert.equal(guard.lost.aborted, true);
  assert.deepEqual(await keysLeft(store), []);
});

test("lock: a holder whose process stood still asks nobody, and writes nothing", async () => {
  await using store = RiggedStore.open();
  const guard = await take(store);
  assert.equal(store.sessions.length, 1);
  for (const session of store.sessions) session.leftMs = 0; // no timer has run yet
  let sent = 0;
  store.beforeTxn = () => void sent++;
  await assert.rejects(guarded(guard), isCode("NOT_OWNER"));
  assert.equal(sent, 1, "only what takes the key away");
  await store.until(() => store.sessions[0]?.isClosed === true);
  assert.deepEqual(await keysLeft(store), []);
});

test("lock: what came to be after the process stood still is given back, and asked for anew", async () => {
  await using store = RiggedStore.open();
  store.beforeTxn = () => {
    if (store.sessions.length === 1) for (const session of store.sessions) session.leftMs = 0;
  };
  await using guard = await take(store);
  assert.equal(store.sessions.length, 2);
  assert.equal(store.sessions[0]?.isClosed, true);
  assert.ok(guard.validForMs() > 0);
  assert.deepEqual(
    (await store.entries()).map(({ created }) => created),
    [guard.epoch],
  );
});

test("lock: who lost the session while waiting waits again, behind the others", async () => {
  await using store = RiggedStore.open();
  const a = await take(store, "a");
  const b = await queueUp(store, "b");
  const c = await queueUp(store, "c");
  store.sessions[1]?.lose();
  await store.until(async () => (await queue(store)) === "jobs: a < c,b");
  await store.pass(a.release());
  const third = await store.pass(c.held);
  await store.pass(third.release());
  await using second = await store.pass(b.held);
  assert.ok(second.epoch > third.epoch);
});

test("lock: who is next, and whose key has gone with its session, is not the holder", async () => {
  await using store = RiggedStore.open();
  const a = await take(store, "a");
  const b = await queueUp(store, "b");
  await store.sessions[1]?.endInStore(); // and b does not know
  const old = store.sessions[1]?.id;
  await store.pass(a.release());
  await using guard = await store.pass(b.held);
  const [entry] = await store.entries();
  assert.equal(entry?.created, guard.epoch);
  assert.notEqual(entry.session, old);
});

test("lock: who is next, and whose key goes before it has said so, is not the holder", async () => {
  await using store = RiggedStore.open();
  const a = await take(store, "a");
  const b = await queueUp(store, "b");
  const [, session] = store.sessions;
  store.beforeTxn = async ({ if: [first], then: [write] }) => {
    if (first?.kind === "created" && write?.kind === "put" && write.session === session?.id)
      await session?.endInStore();
  };
  await store.pass(a.release());
  await using guard = await store.pass(b.held);
  assert.equal((await store.entries())[0]?.session, store.sessions[2]?.id);
  assert.equal((await store.entries())[0]?.created, guard.epoch);
});

test("lock: it is waited for while the store is away, and the caller is told", async () => {
  await using store = RiggedStore.open();
  store.isAway = true;
  const troubles: string[] = [];
  const waiting = lockOf(store, "a").acquire({ signal: NEVER, onTrouble: ({ code }) => troubles.push(code) });
  await store.until(() => troubles.length > 2);
  assert.deepEqual([...new Set(troubles)], ["STORE_UNREACHABLE"]);
  store.isAway = false;
  await using guard = await store.pass(waiting);
  assert.ok(guard.validForMs() > 0);
});

test("lock: whoever waits for the store for too long is told so, and leaves nothing to be done", async () => {
  await using store = RiggedStore.open();
  store.isAway = true;
  const late = lockOf(store, "a").acquire({ signal: NEVER, timeoutMs: 5_000 });
  await assert.rejects(store.pass(late), isCode("TIMED_OUT"));
  assert.equal(store.clock.pending, 0);
  store.isAway = false;
  await store.settle();
  assert.deepEqual(await keysLeft(store), []);
});

test("lock: an outage shorter than the session costs nobody the place in the queue", async () => {
  await using store = RiggedStore.open();
  const a = await take(store, "a");
  const b = await queueUp(store, "b");
  const c = await queueUp(store, "c");
  await store.sessions[0]?.endInStore(); // b is woken, and cannot ask whose turn it is
  store.isAway = true;
  await store.until(() => a.lost.aborted);
  const sinceMs = store.clock.nowMs();
  await store.until(() => store.clock.nowMs() > sinceMs + 3_000);
  store.isAway = false;
  const second = await store.pass(b.held);
  await store.pass(second.release());
  await using third = await store.pass(c.held);
  assert.equal(store.sessions.length, 3);
  assert.ok(third.epoch > second.epoch);
});

test("lock: a try asks once, and says what the store says", async () => {
  await using store = RiggedStore.open();
  store.isAway = true;
  await assert.rejects(lockOf(store, "a").tryAcquire({ signal: NEVER }), isCode("STORE_UNREACHABLE"));
  store.isAway = false;
  store.beforeTxn = ({ then: [write] }) => {
    if (write?.kind === "put") throw new RouterError("STORE_UNREACHABLE", "gone again");
  };
  const tried = lockOf(store, "a").tryAcquire({ signal: NEVER });
  await assert.rejects(store.pass(tried), /gone again/u);
  await store.until(() => store.sessions[0]?.isClosed === true);
});

test("lock: what the store refuses is not asked for again", async () => {
  await using store = RiggedStore.open();
  store.beforeTxn = ({ then: [write] }) => {
    if (write?.kind === "put") throw new RouterError("STORE_REFUSED", "no rights");
  };
  await assert.rejects(store.pass(lockOf(store, "a").acquire({ signal: NEVER })), isCode("STORE_REFUSED"));
  await store.until(() => store.sessions[0]?.isClosed === true);
  assert.equal(store.sessions.length, 1);
});

test("lock: giving it back outlasts an outage of the store", async () => {
  await using store = RiggedStore.open();
  const guard = await take(store);
  store.isAway = true;
  await store.pass(guard.release()); // does not wait for the store
  assert.equal(guard.lost.aborted, true);
  assert.equal((await store.entries()).length, 1);
  assert.equal(store.sessions[0]?.isClosed, false);
  store.isAway = false;
  await store.until(() => store.sessions[0]?.isClosed === true);
  assert.deepEqual(await keysLeft(store), []);
  assert.equal(await store.pass(guard.release()), undefined);
});

test("lock: when the outage outlasts the session, it is left to the store", async () => {
  await using store = RiggedStore.open();
  const guard = await take(store);
  store.isAway = true;
  await store.pass(guard.release());
  const sinceMs = store.clock.nowMs();
  await store.until(() => store.sessions[0]?.isClosed === true);
  const tookMs = store.clock.nowMs() - sinceMs;
  assert.ok(tookMs >= 15_000 - 100 && tookMs <= 18_000, `${tookMs}`);
  await store.settle();
  assert.equal(store.clock.pending, 0, "nothing is tried any more");
});
