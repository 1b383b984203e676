import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry, Listing, ListOptions, StoreAdapter } from "../../../src/store/store.ts";
import type { ContractWorld } from "../contract.ts";
import { plain, put, read, remove, textOf, withCode, write } from "./calls.ts";

/** Get and list. */
export function reads(world: ContractWorld): void {
  lists(world);

  test("get: nothing, what was put, what was put again, nothing again", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const key = `${world.prefix()}a`;
    assert.equal(await store.get(key, { signal }), undefined);
    const first = await write(store, [put(key, "one")], signal);
    const one = await read(store, key, signal);
    assert.deepEqual([textOf(one), one.created, one.modified, one.session], ["one", first, first, undefined]);
    const second = await write(store, [put(key, "two")], signal);
    const two = await read(store, key, signal);
    assert.deepEqual([textOf(two), two.created, two.modified], ["two", first, second]);
    assert.ok(second > first);
    await write(store, [remove(key)], signal);
    assert.equal(await store.get(key, { signal }), undefined);
    const third = await write(store, [put(key, "three")], signal);
    const three = await read(store, key, signal);
    assert.deepEqual([three.created, three.modified], [third, third]);
    assert.ok(third > second);
  });

  test("get: what another client put, any bytes and none", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    await using other = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    const values = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array(3)];
    for (const [i, value] of values.entries()) {
      await write(store, [put(`${prefix}${i}`, value)], signal);
      assert.deepEqual(Buffer.from((await read(other, `${prefix}${i}`, signal)).value), Buffer.from(value));
    }
  });

  test("keys that are not allowed are refused, by all calls", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    for (const key of ["", "a", "/a/", "/a b", "/ä", "/a?x", `/${"a".repeat(512)}`]) {
      await assert.rejects(store.get(key, { signal }), withCode("STORE_REFUSED"));
      await assert.rejects(store.txn({ if: [], then: [put(key)] }, { signal }), withCode("STORE_REFUSED"));
    }
    await assert.rejects(store.list("a", { signal }), withCode("STORE_REFUSED"));
    const watch = async (): Promise<void> => {
      for await (const event of store.watch("a", { signal })) assert.fail(event.kind);
    };
    await assert.rejects(watch(), withCode("STORE_REFUSED"));
  });

  test("check: tells its version, how long an answer takes, and what time it is there", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const { version, latencyMs, revision, clock } = await store.check({ signal });
    assert.match(version, /\d+\.\d+/u);
    assert.ok(latencyMs >= 0 && revision >= 0n);
    // A server of this machine has its time; a file has none of its own.
    if (store.facts.kind === "embedded") assert.equal(clock, undefined);
    else assert.ok(clock !== undefined && clock.leastMs <= 0 && clock.mostMs >= 0, JSON.stringify(clock));
    assert.deepEqual(store.facts, world.facts);
  });
}

function lists(world: ContractWorld): void {
  test("list: what begins with the prefix, in the order of bytes, whatever the path's parts", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    const names = ["-", ".", "0", "9", "A", "Z", "_", "a", "a-b", "a.b", "a/b", "a/b/c", "a0", "aa", "z"];
    await write(
      store,
      names.toReversed().map((name) => put(prefix + name, name)),
      signal,
    );
    const listing = await store.list(prefix, { signal });
    assert.deepEqual(
      listing.entries.map(({ key }) => key),
      names.map((name) => prefix + name).toSorted(),
    );
    assert.equal(listing.hasMore, false);
    assert.ok(listing.entries.every(({ modified }) => modified <= listing.revision));
    const below = await store.list(`${prefix}a`, { signal });
    assert.deepEqual(below.entries.map(textOf), ["a", "a-b", "a.b", "a/b", "a/b/c", "a0", "aa"]);
    assert.deepEqual((await store.list(`${prefix}nothing`, { signal })).entries, []);
  });

  test("list: pages, after keys that are there or not, with more or not", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    await write(
      store,
      Array.from({ length: 10 }, (_, i) => put(`${prefix}${i}`, String(i))),
      signal,
    );
    const page = async (options: Omit<ListOptions, "signal">): Promise<[string, boolean]> => {
      const { entries, hasMore } = await store.list(prefix, { ...options, signal });
      return [entries.map(textOf).join(""), hasMore];
    };
    assert.deepEqual(await page({ limit: 3 }), ["012", true]);
    assert.deepEqual(await page({ limit: 3, after: `${prefix}2` }), ["345", true]);
    assert.deepEqual(await page({ limit: 3, after: `${prefix}6` }), ["789", false]);
    assert.deepEqual(await page({ limit: 10 }), ["0123456789", false]);
    assert.deepEqual(await page({ limit: 0 }), ["", true]);
    assert.deepEqual(await page({ after: `${prefix}4.5` }), ["56789", false]);
    assert.deepEqual(await page({ after: `${prefix}9` }), ["", false]);
    assert.deepEqual(await page({ after: "/" }), ["0123456789", false]);
  });

  test("list: 10,000 keys, at one revision, while others write", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    await using other = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    const keys = Array.from({ length: 10_000 }, (_, i) => `${prefix}${String(i).padStart(5, "0")}`);
    for (let at = 0; at < keys.length; at += 64) {
      const some = keys.slice(at, at + 64).map((key) => put(key));
      await write(store, some, signal);
    }
    const ends = [keys[0] ?? "", keys.at(-1) ?? ""];
    let writes = 0;
    const writeEnds = async (): Promise<void> => {
      const value = String(writes++);
      const both = ends.map((key) => put(key, value));
      await write(other, both, signal);
    };
    await writeEnds();
    const found: Listing[] = [];
    while (found.length < 3) {
      const listing = store.list(prefix, { signal });
      let isListing = true;
      void listing.finally(() => (isListing = false)).catch(() => undefined);
      while (isAsked(() => isListing)) await writeEnds();
      found.push(await listing);
    }
    for (const { entries } of found) assertOneMoment(entries, keys);
  });
}

/** All of the keys, and the two that are always written together are of one transaction. */
function assertOneMoment(entries: readonly Entry[], keys: readonly string[]): void {
  assert.equal(entries.length, keys.length);
  assert.deepEqual(
    entries.map(({ key }) => key),
    keys,
  );
  assert.equal(entries[0]?.modified, entries.at(-1)?.modified);
}

/** Asked anew: it changes meanwhile. */
function isAsked(question: () => boolean): boolean {
  return question();
}

/** What a list has, in a form that can be compared. */
export async function contents(store: StoreAdapter, prefix: string, signal: AbortSignal): Promise<unknown[]> {
  return plain((await store.list(prefix, { signal })).entries);
}
