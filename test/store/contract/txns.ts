import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_TXN_OPERATIONS, MAX_VALUE_BYTES, type Compare, type Txn } from "../../../src/store/store.ts";
import type { ContractWorld } from "../contract.ts";
import { absent, put, read, remove, textOf, withCode, write } from "./calls.ts";
import { contents } from "./reads.ts";

/** Transactions. */
export function txns(world: ContractWorld): void {
  conditions(world);
  sessionsAndKeys(world);
  bounds(world);

  test("txn: of writers that compare what they read, each success is one step", async ({ signal }) => {
    const key = `${world.prefix()}counter`;
    await using one = world.fixture().openStore(world.options);
    await using other = world.fixture().openStore(world.options);
    await write(one, [put(key, "0")], signal);
    const countTo = async (store: typeof one): Promise<void> => {
      for (let successes = 0; successes < 20; ) {
        const entry = await read(store, key, signal);
        const next = put(key, String(Number(textOf(entry)) + 1));
        const outcome = await store.txn(
          { if: [{ kind: "modified", key, revision: entry.modified }], then: [next] },
          { signal },
        );
        if (outcome.done) successes++;
      }
    };
    await Promise.all([countTo(one), countTo(other), countTo(one)]);
    assert.equal(textOf(await read(one, key, signal)), "60");
  });
}

function conditions(world: ContractWorld): void {
  test("txn: is carried out when all comparisons are true, and else nothing of it", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    const [there, rewritten, none] = ["there", "rewritten", "none"].map((name) => prefix + name) as [
      string,
      string,
      string,
    ];
    const created = await write(store, [put(there), put(rewritten)], signal);
    const modified = await write(store, [put(rewritten, "again")], signal);
    const truths: Compare[] = [
      absent(none),
      { kind: "created", key: there, revision: created },
      { kind: "modified", key: there, revision: created },
      { kind: "created", key: rewritten, revision: created },
      { kind: "modified", key: rewritten, revision: modified },
    ];
    const lies: Compare[] = [
      absent(there),
      { kind: "created", key: rewritten, revision: modified },
      { kind: "modified", key: rewritten, revision: created },
      { kind: "created", key: none, revision: created },
      { kind: "modified", key: none, revision: modified },
      { kind: "modified", key: there, revision: 0n },
    ];
    for (const [i, truth] of truths.entries()) {
      const outcome = await store.txn({ if: [truth], then: [put(`${prefix}true/${i}`)] }, { signal });
      assert.equal(outcome.done, true, JSON.stringify(truth, String));
    }
    const before = await contents(store, prefix, signal);
    for (const lie of lies) {
      const txn: Txn = {
        if: [...truths, lie],
        then: [put(`${prefix}false`), remove(there)],
        else: [there, none, rewritten],
      };
      const outcome = await store.txn(txn, { signal });
      assert.ok(!outcome.done, JSON.stringify(lie, String));
      assert.deepEqual(outcome.entries.map(textOf), ["v", undefined, "again"]);
    }
    assert.deepEqual(await contents(store, prefix, signal), before);
    assert.equal((await store.txn({ if: truths, then: [] }, { signal })).done, true);
  });

  test("txn: all that it writes has its revision, and what it does not change keeps its own", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    const first = await write(store, [put(`${prefix}a`), put(`${prefix}b`), put(`${prefix}c`)], signal);
    const second = await write(store, [put(`${prefix}b`), remove(`${prefix}c`), put(`${prefix}d`)], signal);
    const { entries, revision } = await store.list(prefix, { signal });
    const revisions = entries.map(({ key, created, modified }) => [key.at(-1), created, modified]);
    assert.deepEqual(revisions, [
      ["a", first, first],
      ["b", first, second],
      ["d", second, second],
    ]);
    assert.ok(revision >= second);
    await write(store, [remove(`${prefix}not-there`)], signal);
  });
}

function sessionsAndKeys(world: ContractWorld): void {
  test("txn: a key of another session is not put with a session, and without one it is nobody's", async ({
    signal,
  }) => {
    await using store = world.fixture().openStore(world.options);
    await using leases = world.fixture().openLeases(world.options);
    const [key, prefix] = [`${world.prefix()}key`, world.prefix()];
    const one = await leases.grant(world.facts.minTtlMs, { signal });
    const other = await leases.grant(world.facts.minTtlMs, { signal });
    const taken = await write(store, [put(key, "one", one.id)], signal);
    const refused = await store.txn(
      { if: [], then: [put(key, "other", other.id), put(`${prefix}a`)], else: [key] },
      { signal },
    );
    assert.ok(!refused.done);
    assert.deepEqual(
      refused.entries.map((entry) => entry?.session),
      [one.id],
    );
    assert.equal(await store.get(`${prefix}a`, { signal }), undefined);
    await write(store, [put(key, "mine again", one.id)], signal);
    const mine = await read(store, key, signal);
    assert.deepEqual([textOf(mine), mine.created, mine.session], ["mine again", taken, one.id]);
    await write(store, [put(key, "anybody")], signal);
    assert.equal((await read(store, key, signal)).session, undefined);
    await leases.revoke(one.id, { signal });
    assert.equal(textOf(await read(store, key, signal)), "anybody");
    await write(store, [put(key, "other", other.id)], signal);
    assert.equal((await read(store, key, signal)).session, other.id);
    await leases.revoke(other.id, { signal });
    assert.equal(await store.get(key, { signal }), undefined);
  });

  test("txn: with a session that has ended nothing is written: SESSION_LOST", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    await using leases = world.fixture().openLeases(world.options);
    const prefix = world.prefix();
    const { id } = await leases.grant(world.facts.minTtlMs, { signal });
    await leases.revoke(id, { signal });
    const txn: Txn = { if: [], then: [put(`${prefix}a`), put(`${prefix}b`, "v", id)] };
    await assert.rejects(store.txn(txn, { signal }), withCode("SESSION_LOST"));
    assert.deepEqual(await contents(store, prefix, signal), []);
  });
}

function bounds(world: ContractWorld): void {
  test("txn: to 64 comparisons and writes; more, and a key twice, are refused in words", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const prefix = world.prefix();
    const keys = Array.from({ length: MAX_TXN_OPERATIONS / 2 }, (_, i) => `${prefix}${i}`);
    const most: Txn = { if: keys.map(absent), then: keys.map((key) => put(key)), else: keys };
    assert.equal((await store.txn(most, { signal })).done, true);
    assert.equal((await store.list(prefix, { signal })).entries.length, keys.length);
    const more: Txn = { ...most, then: [...most.then, put(`${prefix}more`)] };
    await assert.rejects(store.txn(more, { signal }), /65 comparisons and writes: at most 64/u);
    const twice: Txn = { if: [], then: [put(`${prefix}a`), remove(`${prefix}a`)] };
    await assert.rejects(store.txn(twice, { signal }), withCode("STORE_REFUSED"));
    assert.equal((await store.list(prefix, { signal })).entries.length, keys.length);
  });

  test("txn: a value of 512 KiB is kept, and one byte more is refused", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    const key = `${world.prefix()}large`;
    const value = Buffer.alloc(MAX_VALUE_BYTES, "0123456789abcdef-\u0000\u00ff");
    await write(store, [put(key, value)], signal);
    assert.ok(value.equals((await read(store, key, signal)).value));
    const tooLarge = put(key, Buffer.alloc(MAX_VALUE_BYTES + 1));
    await assert.rejects(store.txn({ if: [], then: [tooLarge] }, { signal }), withCode("STORE_REFUSED"));
    assert.equal((await read(store, key, signal)).value.length, MAX_VALUE_BYTES);
  });
}
