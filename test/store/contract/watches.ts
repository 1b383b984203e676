import assert from "node:assert/strict";
import { test } from "node:test";
import type { Write } from "../../../src/store/store.ts";
import type { ContractWorld } from "../contract.ts";
import { plain, put, remove, textOf, write } from "./calls.ts";
import { Follower } from "./follower.ts";
import { contents } from "./reads.ts";

/** Watches, while nothing is wrong. */
export function watches(world: ContractWorld): void {
  inOrder(world);
  many(world);
  ends(world);
}

function inOrder(world: ContractWorld): void {
  test("watch: what is there, synced, then what changes, each transaction in one event", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    await using other = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    await write(store, [put(`${prefix}old`), put(`${prefix.slice(0, -1)}-beside`)], signal);
    await using follower = new Follower(store, prefix);
    await follower.until(() => follower.isSynced, "the snapshot");
    assert.deepEqual(
      follower.events.map(({ kind }) => kind),
      ["snapshot", "synced"],
    );
    assert.deepEqual([...follower.state.keys()], [`${prefix}old`]);
    const made = await write(other, [put(`${prefix}a`, "1"), put(`${prefix}b`, "1"), remove(`${prefix}old`)], signal);
    await follower.until(() => follower.revision >= made, "the first transaction");
    assert.deepEqual([...follower.state.keys()], [`${prefix}a`, `${prefix}b`]);
    await write(store, [put(`${prefix.slice(0, -1)}-beside`, "2")], signal);
    const last = await write(store, [put(`${prefix}a`, "2"), remove(`${prefix}b`)], signal);
    await follower.until(() => follower.revision >= last, "the last transaction");
    assert.deepEqual(plain(follower.state.values()), await contents(store, prefix, signal));
    assert.equal(follower.count("synced"), 1);
  });

  test("watch: of two keys that are always written together none is seen without the other", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    await using follower = new Follower(store, prefix);
    await follower.until(() => follower.isSynced, "the snapshot");
    let revision = 0n;
    const rounds = 53; // the last one puts: two deletions may leave nothing that a watch of states could tell
    for (let i = 0; i < rounds; i++) {
      const last: Write = i % 5 === 4 ? remove(`${prefix}b`) : put(`${prefix}b`, String(i));
      revision = await write(store, [i % 5 === 4 ? remove(`${prefix}a`) : put(`${prefix}a`, String(i)), last], signal);
    }
    await follower.until(() => follower.revision >= revision, "the last transaction");
    const changes = follower.events.filter((event) => event.kind === "changes");
    for (const { puts, deletes } of changes) {
      assert.ok(puts.length === 2 || deletes.length === 2);
      assert.equal(textOf(puts[0]), textOf(puts[1]));
    }
    if (world.facts.hasHistory) assert.equal(changes.length, rounds, "no step is left out");
  });

  test("watch: a reader that is held up gets all of it, or a resync, and has what the store has", async ({
    signal,
  }) => {
    await using store = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    await using follower = new Follower(store, prefix);
    await follower.until(() => follower.isSynced, "the snapshot");
    follower.pause();
    let revision = 0n;
    for (let i = 0; i < 300; i++) revision = await write(store, [put(`${prefix}${i % 7}`, String(i))], signal);
    revision = await write(store, [remove(`${prefix}3`)], signal);
    follower.resume();
    await follower.until(() => follower.revision >= revision, "the last change");
    assert.deepEqual(plain(follower.state.values()), await contents(store, prefix, signal));
  });
}

function many(world: ContractWorld): void {
  test("watch: 100 of them in one client are told what is theirs", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    await using other = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    await using stack = new AsyncDisposableStack();
    const followers = Array.from({ length: 100 }, (_, i) => stack.use(new Follower(store, `${prefix}${i % 10}/`)));
    for (const follower of followers) await follower.until(() => follower.isSynced, "the snapshot");
    const keys = Array.from({ length: 10 }, (_, i) => `${prefix}${i}/key`);
    await write(
      other,
      keys.map((key) => put(key)),
      signal,
    );
    for (const [i, follower] of followers.entries()) {
      await follower.until(() => follower.state.size > 0, "a key");
      assert.deepEqual([...follower.state.keys()], [keys[i % 10]]);
    }
  });
}

function ends(world: ContractWorld): void {
  test("watch: ends with its signal, also while it is read, and when its reader leaves", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    await write(store, [put(`${prefix}a`)], signal);
    const gone = AbortSignal.abort(new Error("gone before it began"));
    for await (const event of store.watch(prefix, { signal: gone })) assert.fail(event.kind);
    for (let i = 0; i < 50; i++) {
      const leaving = new AbortController();
      let events = 0;
      for await (const event of store.watch(prefix, { signal: leaving.signal })) {
        events++;
        if (event.kind === "snapshot" && i % 3 === 0) leaving.abort();
        if (event.kind === "synced" && i % 3 === 1) break;
        if (event.kind === "synced") queueMicrotask(() => leaving.abort()); // while it waits for a change
      }
      assert.ok(events === 1 || events === 2);
    }
    const waiting = new AbortController();
    const iterator = store.watch(prefix, { signal: waiting.signal })[Symbol.asyncIterator]();
    await iterator.next(); // nobody asks for the next event any more
    waiting.abort();
    const watching = world.fixture().watching?.bind(world.fixture());
    if (watching !== undefined) assert.equal(watching(store), 0);
    assert.equal(textOf(await store.get(`${prefix}a`, { signal })), "v");
  });
}
