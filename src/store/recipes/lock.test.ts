import assert from "node:assert/strict";
import { test } from "node:test";
import {
  guarded,
  isCode,
  keysLeft,
  lockOf,
  NEVER,
  put,
  queue,
  queueUp,
  take,
} from "../../../test/support/rigged-locks.ts";
import { RiggedStore } from "../../../test/support/rigged-store.ts";
import type { Txn } from "../store.ts";
import { listLocks } from "./lock-list.ts";
import { createLock } from "./lock.ts";

const FOLDER = "/test/locks/jobs";
const SPREAD_MS = 1_000;

test("lock: one that is free is had at once, with the revision of its key as epoch", async () => {
  await using store = RiggedStore.open();
  await using guard = await take(store);
  const [entry] = await store.entries();
  assert.equal(entry?.created, guard.epoch);
  assert.ok(guard.validForMs() > 0);
  assert.equal(guard.lost.aborted, false);
  const [seat] = (await store.pass(listLocks(store.place, { signal: NEVER }))).seats;
  assert.deepEqual(
    { ...seat },
    { name: "jobs", holder: "a", epoch: guard.epoch, sinceMs: seat?.sinceMs, value: undefined, waiting: [] },
  );
  assert.ok(Math.abs((seat?.sinceMs ?? 0) - store.clock.wallMs()) < 1_000);
});

test("lock: those who wait get it in the order in which they came, with rising epochs", async () => {
  await using store = RiggedStore.open();
  const first = await take(store, "a");
  const second = await queueUp(store, "b");
  const third = await queueUp(store, "c");
  assert.equal(await queue(store), "jobs: a < b,c");
  await store.pass(first.release());
  const b = await store.pass(second.held);
  assert.equal(await queue(store), "jobs: b < c");
  await store.pass(b.release());
  await using c = await store.pass(third.held);
  assert.ok(first.epoch < b.epoch && b.epoch < c.epoch);
});

test("lock: the end of one wakes the next one, and not all who wait", async () => {
  await using store = RiggedStore.open();
  const first = await take(store, "a");
  const second = await queueUp(store, "b");
  for (const holder of ["c", "d", "e"]) await queueUp(store, holder);
  const before = store.lists;
  await store.pass(first.release());
  await store.pass(second.held);
  await store.settle();
  assert.equal(store.lists - before, 1);
});

test("lock: one who gives up in the middle of the queue lets nobody pass", async () => {
  await using store = RiggedStore.open();
  await take(store, "a");
  const gone = new AbortController();
  const second = await queueUp(store, "b", gone.signal);
  let isHeld = false;
  const third = await queueUp(store, "c");
  void third.held.then(() => (isHeld = true));
  gone.abort(new Error("enough"));
  await assert.rejects(store.pass(second.held), /enough/u);
  await store.settle();
  assert.equal(isHeld, false);
  assert.equal(await queue(store), "jobs: a < c");
});

for (const isFair of [true, false]) {
  const where = isFair ? "in a queue" : "where there is no order";
  test(`lock: whoever waits for too long leaves nothing behind, ${where}`, async () => {
    await using store = RiggedStore.open();
    if (!isFair) store.beUnfair();
    const guard = await take(store);
    const before = await keysLeft(store);
    const late = lockOf(store, "b").acquire({ signal: NEVER, timeoutMs: 5_000 });
    await assert.rejects(store.pass(late), isCode("TIMED_OUT"));
    assert.deepEqual(await keysLeft(store), before);
    assert.deepEqual(
      store.sessions.map(({ isClosed }) => isClosed),
      [false, true],
    );
    await store.pass(guard.release());
    assert.deepEqual(await keysLeft(store), []);
  });

  test(`lock: a try takes what is free, and leaves nothing behind else, ${where}`, async () => {
    await using store = RiggedStore.open();
    if (!isFair) store.beUnfair();
    const guard = await store.pass(lockOf(store, "a").tryAcquire({ signal: NEVER }));
    const keys = await keysLeft(store);
    assert.equal(await store.pass(lockOf(store, "b").tryAcquire({ signal: NEVER })), undefined);
    assert.deepEqual(await keysLeft(store), keys);
    await store.pass(guard?.release() ?? assert.fail());
    // Two at the same time: both look before either has a key.
    const both = [lockOf(store, "a"), lockOf(store, "b")].map((lock) => lock.tryAcquire({ signal: NEVER }));
    const had = await store.pass(Promise.all(both));
    assert.equal(had.filter((one) => one !== undefined).length, 1);
    assert.equal((await keysLeft(store)).length, 1);
    for (const one of had) if (one !== undefined) await store.pass(one.release());
  });

  test(`lock: what was written and not answered is found again, ${where}`, async () => {
    await using store = RiggedStore.open();
    if (!isFair) store.beUnfair();
    let losses = 0;
    store.losesAnswer = () => losses++ < 2;
    await using guard = await take(store);
    const own = (await store.entries()).filter(({ created }) => created === guard.epoch);
    assert.equal(own.length, 1);
    assert.equal((await store.entries()).length, 1);
    assert.equal(store.sessions.length, 1);
  });
}

test("lock: without order one key is taken when it is free, and those who wait are shown", async () => {
  await using store = RiggedStore.open();
  store.beUnfair();
  const guard = await take(store, "a");
  const [b, c] = [await queueUp(store, "b"), await queueUp(store, "c")];
  assert.equal(await queue(store), "jobs: a < b,c");
  await store.pass(guard.release());
  const next = await store.pass(Promise.race([b.held, c.held]));
  assert.ok(next.epoch > guard.epoch);
  assert.match(await queue(store), /^jobs: (?:b < c|c < b)$/u);
  await store.pass(next.release());
  const last = await store.pass(b.held.then((one) => (one === next ? c.held : b.held)));
  assert.ok(last.epoch > next.epoch);
  await store.pass(last.release());
  assert.deepEqual(await keysLeft(store), []);
});

test("lock: without order those who wait come back at different times", async () => {
  await using store = RiggedStore.open();
  store.beUnfair();
  const guard = await take(store);
  const waiting = await queueUp(store, "b");
  await store.pass(guard.release());
  const freeMs = store.clock.nowMs();
  await store.pass(waiting.held);
  // The place's generator is seeded: its first number is not 0.
  assert.ok(store.clock.nowMs() - freeMs > 0 && store.clock.nowMs() - freeMs <= SPREAD_MS + 100);
});

test("lock: a write that is guarded is done while it is held, and answers for its own comparisons", async () => {
  await using store = RiggedStore.open();
  await using guard = await take(store);
  assert.equal((await guarded(guard)).done, true);
  const absent: Txn = {
    ...put("work"),
    if: [{ kind: "absent", key: "/test/work" }],
    else: ["/test/work", "/test/other"],
  };
  const outcome = await guarded(guard, absent);
  assert.ok(!outcome.done);
  assert.deepEqual(
    outcome.entries.map((entry) => entry?.key),
    ["/test/work", undefined],
  );
  assert.equal(guard.lost.aborted, false);
});

test("lock: it is given back at the end of the block", async () => {
  await using store = RiggedStore.open();
  let lost: AbortSignal | undefined;
  {
    await using guard = await take(store);
    lost = guard.lost;
  }
  assert.equal(lost.aborted, true);
  assert.deepEqual(await keysLeft(store), []);
});

test("lock: an acquisition that is called off as it is had is given back", async () => {
  await using store = RiggedStore.open();
  const caller = new AbortController();
  store.losesAnswer = ({ if: [first] }) => {
    if (first?.kind === "created") caller.abort(new Error("too late"));
    return false;
  };
  await assert.rejects(store.pass(lockOf(store, "a").acquire({ signal: caller.signal })), /too late/u);
  await store.until(() => store.sessions[0]?.isClosed === true);
  assert.deepEqual(await keysLeft(store), []);
});

const names = ["", "a/b", "jobs ", "é", "a".repeat(129)];
for (const name of names) {
  test(`lock: no lock has the name ${JSON.stringify(name.slice(0, 8))}`, async () => {
    await using store = RiggedStore.open();
    assert.throws(() => createLock(store.place, name, { holder: "a" }), isCode("STORE_REFUSED"));
  });
}

test("lock: holders have a name, too, and times are those that a timer counts", async () => {
  await using store = RiggedStore.open();
  for (const holder of ["", "x".repeat(257)]) {
    assert.throws(() => createLock(store.place, "jobs", { holder }), isCode("STORE_REFUSED"));
  }
  for (const timeoutMs of [-1, Number.NaN, 2 ** 31]) {
    await assert.rejects(lockOf(store, "a").acquire({ signal: NEVER, timeoutMs }), RangeError);
  }
  assert.deepEqual(await keysLeft(store), []);
});

test("lock: what others have written among its keys does not keep people from looking", async () => {
  await using store = RiggedStore.open();
  const a = await take(store, "a");
  await store.write({ if: [], then: [{ kind: "put", key: `${FOLDER}/zz`, value: Buffer.from("{") }] });
  assert.equal(await queue(store), `jobs: a < ${FOLDER}/zz`);
  await store.pass(a.release());
  assert.equal(await queue(store), `jobs: - < ${FOLDER}/zz`);
});

for (const where of ["in order", "without order"]) {
  test(`lock: what somebody has put in the way by hand keeps nobody out for ever, ${where}`, async () => {
    await using store = RiggedStore.open();
    if (where === "without order") store.beUnfair();
    const byHand = (key: string): unknown =>
      store.write({ if: [], then: [{ kind: "put", key, value: Buffer.from("hands off") }] });
    await byHand(`${FOLDER}/holder`);
    const a = await take(store, "a");
    const waiting = await queueUp(store, "b");
    await byHand((await store.entries()).toSorted((x, y) => (x.created < y.created ? -1 : 1))[0]!.key);
    const b = await store.pass(waiting.held);
    assert.ok(a.lost.aborted);
    await assert.rejects(guarded(a), isCode("NOT_OWNER"));
    assert.ok((await guarded(b)).done);
    await store.pass(b.release());
    await byHand(`${FOLDER}/holder`);
    const tried = await store.pass(lockOf(store, "c").tryAcquire({ signal: NEVER }));
    assert.ok(tried !== undefined);
    await store.pass(tried.release());
    assert.deepEqual(await keysLeft(store), ["/test/work"]);
  });

  test(`lock: whoever died, and whose key was written over, keeps nobody out for ever, ${where}`, async () => {
    await using store = RiggedStore.open();
    if (where === "without order") store.beUnfair();
    let isBlind = false;
    const dead = await store.pass(
      createLock(
        store.view(() => isBlind),
        "jobs",
        { holder: "dead" },
      ).acquire({ signal: NEVER }),
    );
    const waiting = await queueUp(store, "b");
    isBlind = true;
    const key = (await store.entries()).find(({ created }) => created === dead.epoch)!.key;
    await store.write({ if: [], then: [{ kind: "put", key, value: Buffer.from("x") }] });
    const b = await store.pass(waiting.held);
    assert.ok(b.epoch > dead.epoch);
    await assert.rejects(guarded(dead), isCode("NOT_OWNER")); // it is not that dead
    await store.pass(b.release());
    isBlind = false;
  });
}

test("lock: many are listed in pages, and none is cut in two", async () => {
  await using store = RiggedStore.open();
  for (const name of ["a", "a.b", "a-b", "b"]) {
    await store.pass(createLock(store.place, name, { holder: "h" }).acquire({ signal: NEVER }));
    void createLock(store.place, name, { holder: "w" }).acquire({ signal: NEVER });
    await store.settle();
  }
  const seen: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.pass(listLocks(store.place, { signal: NEVER, limit: 3, after }));
    seen.push(...page.seats.map(({ name, holder, waiting }) => `${name} ${holder} ${waiting.join()}`));
    after = page.next;
    if (after === undefined) break;
  }
  assert.deepEqual(seen.toSorted(), ["a h w", "a-b h w", "a.b h w", "b h w"]);
});
