import assert from "node:assert/strict";
import { test } from "node:test";
import { absent, put, read, withCode, write } from "../contract/calls.ts";
import { ConsulScene } from "./scene.ts";

/** What is as large as Consul takes it, and what is larger; on a real one. */

const { signal } = new AbortController();
const scene = new ConsulScene();
const big = Buffer.alloc(524_288, "x");

test("consul: a value of 512 KiB by itself is compared as any other, and held", { skip: scene.skip }, async () => {
  const key = "/big/a";
  const make = { if: [absent(key)], then: [put(key, big)], else: [key] };
  const made = await scene.store.txn(make, { signal });
  assert.ok(made.done);
  assert.equal((await read(scene.store, key, signal)).modified, made.revision);
  const again = await scene.store.txn(make, { signal });
  assert.ok(!again.done && again.entries[0]?.modified === made.revision);
  const modified = { kind: "modified", key, revision: made.revision } as const;
  const created = { kind: "created", key, revision: made.revision } as const;
  const moved = await scene.store.txn({ if: [modified, created], then: [put(key, big)] }, { signal });
  assert.ok(moved.done && moved.revision > made.revision);
  assert.equal((await scene.store.txn({ if: [modified], then: [put(key, big)] }, { signal })).done, false);
  assert.equal((await scene.store.txn({ if: [created], then: [put(key, big)] }, { signal })).done, true);
});

test("consul: a value of 512 KiB belongs to a session, to no other, and to none when it is put without", {
  skip: scene.skip,
}, async () => {
  const key = "/big/held";
  const [{ id }, other] = [await scene.leases.grant(10_000, { signal }), await scene.leases.grant(10_000, { signal })];
  await write(scene.store, [put(key, big, id)], signal);
  assert.equal((await read(scene.store, key, signal)).session, id);
  assert.equal((await scene.store.txn({ if: [], then: [put(key, big, other.id)] }, { signal })).done, false);
  await write(scene.store, [put(key, big)], signal);
  assert.equal((await read(scene.store, key, signal)).session, undefined);
  await scene.leases.revoke(id, { signal });
  assert.equal((await read(scene.store, key, signal)).value.length, big.length);
  await assert.rejects(write(scene.store, [put(key, big, id)], signal), withCode("SESSION_LOST"));
});

test("consul: more than Consul takes of one transaction is refused, with the setting that bounds it", {
  skip: scene.skip,
}, async () => {
  const txn = { if: [absent("/big/pointer")], then: [put("/big/body", big), put("/big/pointer")] };
  await assert.rejects(scene.store.txn(txn, { signal }), (cause) => {
    assert.ok(withCode("STORE_REFUSED")(cause));
    assert.ok(cause instanceof Error && "hint" in cause);
    assert.match(String(cause.hint), /txn_max_req_len/u);
    return true;
  });
  assert.equal(await scene.store.get("/big/pointer", { signal }), undefined);
  const fits = {
    if: [absent("/big/pointer")],
    then: [put("/big/body", big.subarray(0, 390_000)), put("/big/pointer")],
  };
  assert.equal((await scene.store.txn(fits, { signal })).done, true);
});
