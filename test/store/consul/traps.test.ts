import assert from "node:assert/strict";
import { test } from "node:test";
import { openConsul } from "../../../src/store/consul/open-consul.ts";
import type { Compare, Entry } from "../../../src/store/store.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { absent, put, read, remove, textOf, write } from "../contract/calls.ts";
import { Follower } from "../contract/follower.ts";
import { STORE_OPTIONS } from "./consul-fixture.ts";
import { ConsulScene } from "./scene.ts";

/** What Consul does that one would not expect, each with what we make of it; on a real one. */

const { signal } = new AbortController();
const scene = new ConsulScene();

function created({ key, created: revision }: Entry): Compare {
  return { kind: "created", key, revision };
}

test("consul: a PUT of somebody else leaves a held key with its holder, whose token stays the same", {
  skip: scene.skip,
}, async () => {
  const id = await scene.grant();
  await write(scene.store, [put("/put/lock", "mine", id)], signal);
  const held = await read(scene.store, "/put/lock", signal);
  assert.equal(await scene.server.ask("PUT", "kv/put/lock", "theirs"), true);
  const after = await read(scene.store, "/put/lock", signal);
  assert.deepEqual([textOf(after), after.session, after.created], ["theirs", id, held.created]);
  assert.ok(after.modified > held.modified);
  const guarded = await scene.store.txn({ if: [created(held)], then: [put("/put/guarded", "x")] }, { signal });
  assert.equal(guarded.done, true);
  const stale = {
    if: [{ kind: "modified", key: held.key, revision: held.modified } as const],
    then: [put("/put/guarded")],
  };
  assert.equal((await scene.store.txn(stale, { signal })).done, false);
});

test("consul: a put of ours without a session takes a held key from its holder, and does not end with it", {
  skip: scene.skip,
}, async () => {
  const id = await scene.grant();
  await write(scene.store, [put("/take/lock", "mine", id)], signal);
  await write(scene.store, [put("/take/lock", "theirs")], signal);
  assert.equal((await read(scene.store, "/take/lock", signal)).session, undefined);
  await scene.leases.revoke(id, { signal });
  assert.equal(textOf(await read(scene.store, "/take/lock", signal)), "theirs");
});

test("consul: a DELETE of somebody else frees a held key: the holder is told, and its guarded writes are not done", {
  skip: scene.skip,
}, async () => {
  const [id, other] = [await scene.grant(), await scene.grant()];
  await using follower = new Follower(scene.store, "/delete/");
  await write(scene.store, [put("/delete/lock", "mine", id)], signal);
  const held = await read(scene.store, "/delete/lock", signal);
  await follower.until(() => follower.state.has(held.key), "what is held");
  assert.equal(await scene.server.ask("DELETE", "kv/delete/lock"), true);
  await follower.until(() => !follower.state.has(held.key), "its end");
  await write(scene.store, [put("/delete/lock", "theirs", other)], signal);
  const next = await read(scene.store, "/delete/lock", signal);
  assert.ok(next.created > held.created, "another token for another holder");
  assert.ok(await scene.leases.renew(id, { signal }), "the session itself lives");
  const guarded = await scene.store.txn(
    { if: [created(held)], then: [put("/delete/guarded")], else: [held.key] },
    { signal },
  );
  assert.ok(!guarded.done && guarded.entries[0]?.session === other);
  assert.equal(await scene.store.get("/delete/guarded", { signal }), undefined);
});

test("consul: the same written again is written: its revision moves, as guards count on", {
  skip: scene.skip,
}, async () => {
  const first = await write(scene.store, [put("/again/a", "same")], signal);
  const second = await write(scene.store, [put("/again/a", "same"), put("/again/b", "new")], signal);
  assert.ok(second > first);
  assert.deepEqual(
    [(await read(scene.store, "/again/a", signal)).modified, (await read(scene.store, "/again/b", signal)).modified],
    [second, second],
  );
});

test("consul: a session that ends leaves nothing behind it, and no delay: tokens grow from holder to holder", {
  skip: scene.skip,
}, async () => {
  let before = 0n;
  for (let i = 0; i < 5; i++) {
    const id = await scene.grant();
    const outcome = await scene.store.txn(
      { if: [absent("/delay/lock")], then: [put("/delay/lock", String(i), id)] },
      { signal },
    );
    assert.equal(outcome.done, true, "at once after the one before");
    const { created: token } = await read(scene.store, "/delay/lock", signal);
    assert.ok(token > before);
    before = token;
    await scene.leases.revoke(id, { signal });
    assert.equal(await scene.store.get("/delay/lock", { signal }), undefined);
  }
});

test("consul: the delay that another's session leaves on a key is a lock that is not had, and no fault", {
  skip: scene.skip,
}, async () => {
  const body = { LockDelay: "60s", Behavior: "delete", TTL: "10s", NodeChecks: [] };
  const { ID: theirs } = (await scene.server.ask("PUT", "session/create", body)) as { ID: string };
  assert.equal(await scene.server.ask("PUT", `kv/foreign/lock?acquire=${theirs}`, "x"), true);
  assert.equal(await scene.server.ask("PUT", `session/destroy/${theirs}`), true);
  const lock = {
    if: [absent("/foreign/lock")],
    then: [put("/foreign/lock", "x", await scene.grant())],
    else: ["/foreign/lock"],
  };
  assert.deepEqual(await scene.store.txn(lock, { signal }), { done: false, entries: [undefined] });
  assert.equal(
    (await scene.store.txn({ if: [absent("/foreign/lock")], then: [put("/foreign/lock")] }, { signal })).done,
    true,
  );
});

test("consul: writers of one key without comparisons all get through, each once", { skip: scene.skip }, async () => {
  const ids = await Promise.all([scene.grant(), scene.grant()]);
  await using follower = new Follower(scene.store, "/busy/");
  const revisions = await Promise.all(
    Array.from({ length: 30 }, (_, i) =>
      write(scene.store, [put("/busy/key", String(i)), put(`/busy/${i}`, "x", ids[i % 2])], signal),
    ),
  );
  assert.equal(new Set(revisions).size, 30);
  const last = revisions.reduce((one, other) => (one > other ? one : other));
  await follower.until(() => follower.revision >= last, "the last one");
  assert.equal((await read(scene.store, "/busy/key", signal)).modified, last);
});

test("consul: 64 deletions have a revision, although no room is left to ask for it", { skip: scene.skip }, async () => {
  await using follower = new Follower(scene.store, "/many/");
  const keys = Array.from({ length: 64 }, (_, i) => `/many/${i}`);
  const made = await write(
    scene.store,
    keys.map((key) => put(key)),
    signal,
  );
  await follower.until(() => follower.state.size === 64, "all of them");
  const gone = await write(scene.store, keys.map(remove), signal);
  assert.ok(gone > made);
  await follower.until(() => follower.revision >= gone, "the deletion");
  assert.equal(follower.state.size, 0);
});

test("consul: an endpoint that dies under a transaction is left for another, which says what came of it", {
  skip: scene.skip,
}, async () => {
  await using proxy = await FaultProxy.open(scene.server.port);
  const endpoints = [`http://127.0.0.1:${proxy.port}`, ...scene.server.settings.endpoints];
  await using two = openConsul({ ...scene.server.settings, endpoints }, STORE_OPTIONS);
  for (const [i, mode] of (["one_way", "hold", "one_way", "hold"] as const).entries()) {
    const key = `/dies/${i}`;
    await using follower = new Follower(scene.store, key);
    proxy.mode = "pass";
    assert.equal(await two.get(key, { signal }), undefined);
    proxy.mode = mode;
    const outcome = two.txn({ if: [absent(key)], then: [put(key, `nonce ${i}`)] }, { signal });
    if (mode === "one_way") await follower.until(() => follower.state.has(key), "the write");
    proxy.cut();
    proxy.mode = "refuse";
    assert.deepEqual(await outcome, { done: true, revision: (await read(scene.store, key, signal)).modified });
    assert.equal(follower.count("changes") <= 1, true);
  }
});
