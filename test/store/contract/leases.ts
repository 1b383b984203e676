import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContractWorld } from "../contract.ts";
import { put, read, withCode, write } from "./calls.ts";
import { Follower } from "./follower.ts";
import { contents } from "./reads.ts";

/** Leases, and the entries that end with them. */
export function leases(world: ContractWorld): void {
  test("lease: no shorter than asked for; revoked, its entries go, all in one, and others stay", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    await using client = world.fixture().openLeases(world.options);
    const prefix = world.prefix();
    const asked = world.facts.minTtlMs + 1_000;
    const lease = await client.grant(asked, { signal });
    assert.ok(lease.ttlMs >= asked, `${lease.ttlMs} ms`);
    const other = await client.grant(asked, { signal });
    assert.notEqual(lease.id, other.id);
    await write(store, [put(`${prefix}a`, "v", lease.id), put(`${prefix}b`, "v", lease.id)], signal);
    await write(store, [put(`${prefix}c`, "v", other.id), put(`${prefix}d`)], signal);
    await using follower = new Follower(store, prefix);
    await follower.until(() => follower.state.size === 4, "the entries");
    await client.revoke(lease.id, { signal });
    assert.equal(await store.get(`${prefix}a`, { signal }), undefined);
    await follower.until(() => follower.state.size === 2, "the end of two");
    assert.deepEqual([...follower.state.keys()], [`${prefix}c`, `${prefix}d`]);
    assert.equal(follower.events.filter(({ kind }) => kind === "changes").length, 1);
    assert.equal(await client.renew(lease.id, { signal }), undefined);
    await client.revoke(lease.id, { signal }); // it has ended: that is all that was asked for
    assert.equal((await client.renew(other.id, { signal }))?.ttlMs, other.ttlMs);
    await client.revoke(other.id, { signal });
  });

  test("lease: not renewed, it ends, no sooner than after its TTL; renewed, it goes on", async ({ signal }) => {
    await using store = world.fixture().openStore(world.options);
    await using client = world.fixture().openLeases(world.options);
    const prefix = world.prefix();
    const kept = await client.grant(world.facts.minTtlMs, { signal });
    const startMs = performance.now();
    const left = await client.grant(world.facts.minTtlMs, { signal });
    await write(store, [put(`${prefix}kept`, "v", kept.id), put(`${prefix}left`, "v", left.id)], signal);
    await using follower = new Follower(store, prefix);
    await follower.until(() => follower.state.size === 2, "both entries");
    const isLeft = (): boolean => follower.state.has(`${prefix}left`);
    while (isLeft()) {
      assert.ok(await client.renew(kept.id, { signal }), "it is renewed long before its end");
      await Promise.race([sleep(kept.ttlMs / 6), follower.until(() => !isLeft(), "the end")]);
    }
    assert.ok(performance.now() - startMs >= left.ttlMs, "nobody may have it before its TTL is over");
    assert.deepEqual([...follower.state.keys()], [`${prefix}kept`]);
    assert.equal((await read(store, `${prefix}kept`, signal)).session, kept.id);
    assert.equal(await client.renew(left.id, { signal }), undefined);
    const late = store.txn({ if: [], then: [put(`${prefix}left`, "v", left.id)] }, { signal });
    await assert.rejects(late, withCode("SESSION_LOST"));
    await client.revoke(kept.id, { signal });
    assert.deepEqual(await contents(store, prefix, signal), []);
  });

  test("lease: one that never was is not renewed, nothing is put with it, and it may be revoked", async ({
    signal,
  }) => {
    await using store = world.fixture().openStore(world.options);
    await using client = world.fixture().openLeases(world.options);
    const { id } = await client.grant(world.facts.minTtlMs, { signal });
    await client.revoke(id, { signal });
    const never = id.replaceAll(/[0-9]/gu, (digit) => String(9 - Number(digit)));
    assert.equal(await client.renew(never, { signal }), undefined);
    await client.revoke(never, { signal });
    const txn = store.txn({ if: [], then: [put(`${world.prefix()}a`, "v", never)] }, { signal });
    await assert.rejects(txn, withCode("SESSION_LOST"));
  });
}
