import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { systemClock } from "../../../src/core/clock.ts";
import { RouterError } from "../../../src/core/errors.ts";
import { openEtcdLeases } from "../../../src/store/etcd/etcd-leases.ts";
import { openEtcd } from "../../../src/store/etcd/open-etcd.ts";
import type { EtcdSettings, StoreAdapter, StoreOptions } from "../../../src/store/store.ts";
import { SILENT_OBSERVER } from "../contract.ts";
import { absent, put, withCode } from "../contract/calls.ts";
import { settingsOf } from "./etcd-fixture.ts";
import { type Asked, ScriptedEtcd } from "./scripted-etcd.ts";

/** Begins with the first endpoint. */
const OPTIONS: StoreOptions = { clock: systemClock, random: { next: () => 0 }, observer: SILENT_OBSERVER };
const { signal } = new AbortController();

interface Called extends AsyncDisposable {
  readonly store: StoreAdapter;
  readonly etcd: ScriptedEtcd;
  readonly other: ScriptedEtcd;
}

/** A store with two endpoints, or with the first one alone. */
async function called(endpoints: 1 | 2, more: Partial<EtcdSettings> = {}): Promise<Called> {
  await using stack = new AsyncDisposableStack();
  const etcd = stack.use(await ScriptedEtcd.open());
  const other = stack.use(await ScriptedEtcd.open());
  const both = [etcd.endpoint, other.endpoint].slice(0, endpoints);
  const store = stack.use(openEtcd(settingsOf(both, more), OPTIONS));
  const parts = stack.move();
  return { store, etcd, other, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

const unavailable = (details: string) => ({ code: status.UNAVAILABLE, details });
const NEW_KEY = { if: [absent("/a")], then: [put("/a", "nonce")] };

test("a read that fails is asked of the next endpoint, and what follows stays there", async () => {
  await using parts = await called(2);
  const { store, etcd, other } = parts;
  other.put("/a", 5);
  etcd.script = () => unavailable("etcdserver: request timed out");
  assert.equal((await store.get("/a", { signal }))?.modified, 5n);
  await store.get("/a", { signal });
  assert.deepEqual([etcd.count("Range"), other.count("Range")], [1, 2]);
});

test("with one endpoint a read is tried once more, and then told with its name and what may mend it", async () => {
  await using parts = await called(1);
  const { store, etcd } = parts;
  etcd.script = () => unavailable("etcdserver: no leader");
  const failing = store.get("/a", { signal });
  await assert.rejects(failing, withCode("STORE_UNREACHABLE"));
  const error = await failing.catch((cause: unknown) => cause);
  assert.ok(error instanceof RouterError);
  assert.equal(error.message, `etcd ${etcd.endpoint}: no leader`);
  assert.match(error.hint ?? "", /quorum/u);
  assert.equal(etcd.count("Range"), 2);
});

test("an endpoint that keeps quiet takes half of the time, and none of the next call's", async () => {
  await using parts = await called(2);
  const { store, etcd, other } = parts;
  etcd.script = () => "silence";
  assert.equal(await store.get("/a", { signal, deadlineMs: 2_000 }), undefined);
  assert.equal(await store.get("/a", { signal, deadlineMs: 2_000 }), undefined);
  assert.deepEqual([etcd.count("Range"), other.count("Range")], [1, 2]);
});

test("what is no etcd is told as such", async () => {
  const plain = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(plain, "listening");
  const { port } = plain.address() as AddressInfo;
  await using store = openEtcd(settingsOf([`http://127.0.0.1:${port}`]), OPTIONS);
  const error = await store.get("/a", { signal }).catch((cause: unknown) => cause);
  plain.close();
  plain.closeAllConnections();
  assert.ok(error instanceof RouterError && error.code === "STORE_UNREACHABLE");
  assert.match(error.hint ?? "", /is it etcd that listens there/u);
});

test("a server of gRPC that is no etcd is told as such, whatever words it has for it", async () => {
  await using parts = await called(1);
  const details = "there is no method /etcdserverpb.KV/Range; methods: /a.B/C";
  parts.etcd.script = () => ({ code: status.UNIMPLEMENTED, details });
  const error = await parts.store.get("/a", { signal }).catch((cause: unknown) => cause);
  assert.ok(error instanceof RouterError && error.code === "STORE_UNREACHABLE");
  assert.match(error.hint ?? "", /is it etcd that listens there/u);
  await assert.rejects(parts.store.txn(NEW_KEY, { signal }), withCode("STORE_UNREACHABLE")); // nothing can have been done
});

test("several endpoints that fail are all told", async () => {
  await using parts = await called(2);
  const { store, etcd, other } = parts;
  etcd.script = () => unavailable("etcdserver: no leader");
  await other[Symbol.asyncDispose]();
  const error = await store.get("/a", { signal }).catch((cause: unknown) => cause);
  assert.ok(error instanceof RouterError);
  assert.ok(error.message.includes(`etcd ${etcd.endpoint}: no leader; etcd ${other.endpoint}: `), error.message);
  assert.match(error.message, /ECONNREFUSED|dropped|ECONNRESET/u);
});

test("a transaction whose answer is lost is not sent again when what it wrote is there", async () => {
  await using parts = await called(2);
  const { store, etcd, other } = parts;
  etcd.script = (name) => {
    if (name !== "Txn") return undefined;
    other.put("/a", 101, "nonce"); // of the same store
    return unavailable("etcdserver: request timed out, possibly due to connection lost");
  };
  assert.deepEqual(await store.txn(NEW_KEY, { signal }), { done: true, revision: 101n });
  assert.deepEqual([etcd.count("Txn"), other.count("Txn")], [1, 0]);
});

test("a transaction that did not get there is sent to the next endpoint", async () => {
  await using parts = await called(2);
  const { store, etcd, other } = parts;
  etcd.script = () => unavailable("etcdserver: no leader"); // is said before anything is proposed
  assert.deepEqual(await store.txn({ if: [], then: [put("/a")] }, { signal }), { done: true, revision: 100n });
  assert.deepEqual([etcd.count("Txn"), other.count("Txn")], [1, 1]);
});

test("an endpoint that is not there takes no write, and nothing about it is unknown", async () => {
  await using parts = await called(2);
  const { store, etcd, other } = parts;
  await etcd[Symbol.asyncDispose]();
  assert.deepEqual(await store.txn({ if: [], then: [put("/a")] }, { signal }), { done: true, revision: 100n });
  await other[Symbol.asyncDispose]();
  await assert.rejects(store.txn(NEW_KEY, { signal }), withCode("STORE_UNREACHABLE", "STORE_UNKNOWN"));
  await assert.rejects(store.txn(NEW_KEY, { signal }), withCode("STORE_UNREACHABLE"));
});

test("too many requests: the write was not taken, and is sent again", async () => {
  await using parts = await called(1);
  const { store, etcd } = parts;
  const details = "etcdserver: too many requests";
  etcd.script = (name) => (etcd.count(name) === 1 ? { code: status.RESOURCE_EXHAUSTED, details } : undefined);
  assert.deepEqual(await store.txn({ if: [], then: [put("/a")] }, { signal }), { done: true, revision: 100n });
});

const NO_SPACE = { code: status.RESOURCE_EXHAUSTED, details: "etcdserver: mvcc: database space exceeded" };

test("no space: the write that finds it first is carried out all the same", async () => {
  await using parts = await called(1);
  const { store, etcd } = parts;
  etcd.script = (name) => {
    if (name !== "Txn") return undefined;
    etcd.put("/a", 101, "nonce");
    return NO_SPACE;
  };
  assert.deepEqual(await store.txn(NEW_KEY, { signal }), { done: true, revision: 101n });
});

test("no space: what is not there is refused, with how to make room", async () => {
  for (const txn of [NEW_KEY, { if: [], then: [put("/a", "nonce")] }]) {
    await using parts = await called(1);
    const { store, etcd } = parts;
    etcd.script = (name) => (name === "Txn" ? NO_SPACE : undefined);
    const error = await store.txn(txn, { signal }).catch((cause: unknown) => cause);
    assert.ok(error instanceof RouterError);
    assert.equal(error.code, "STORE_REFUSED");
    assert.match(error.message, /database space exceeded/u);
    assert.match(error.hint ?? "", /etcdctl alarm disarm/u);
  }
});

const USER = { user: { name: "signalbox", password: "pass word" } };
const tokenOf = ({ metadata }: Asked): string => String(metadata.get("token")[0] ?? "");

const STALE = {
  "a token that is not known": { code: status.UNAUTHENTICATED, details: "etcdserver: invalid auth token" },
  "a token of before roles changed": {
    code: status.INVALID_ARGUMENT,
    details: "etcdserver: revision of auth store is old",
  },
} as const;
for (const [name, fault] of Object.entries(STALE)) {
  test(`${name} is renewed, and the call, also a write, is sent again`, async () => {
    await using parts = await called(1, USER);
    const { store, etcd } = parts;
    etcd.script = (call, asked) => (call !== "Authenticate" && tokenOf(asked) === "token-1" ? fault : undefined);
    await store.get("/a", { signal });
    assert.equal(etcd.count("Authenticate"), 2);
    etcd.script = (call, asked) => (call !== "Authenticate" && tokenOf(asked) === "token-2" ? fault : undefined);
    assert.deepEqual(await store.txn({ if: [], then: [put("/a")] }, { signal }), { done: true, revision: 100n });
    assert.deepEqual([etcd.count("Authenticate"), etcd.count("Txn")], [3, 2]);
  });
}

test("tokens that are always refused end as a refusal, after two new ones", async () => {
  await using parts = await called(1, USER);
  const { store, etcd } = parts;
  etcd.script = (call) => (call === "Authenticate" ? undefined : STALE["a token that is not known"]);
  await assert.rejects(store.get("/a", { signal }), withCode("STORE_REFUSED"));
  assert.equal(etcd.count("Authenticate"), 3);
});

test("an etcd that asks nobody who they are is used without a token, until it does", async () => {
  await using parts = await called(1, USER);
  const { store, etcd } = parts;
  const details = "etcdserver: authentication is not enabled";
  etcd.script = (call) => (call === "Authenticate" ? { code: status.FAILED_PRECONDITION, details } : undefined);
  await store.get("/a", { signal });
  assert.deepEqual(
    etcd.asked.filter(({ name }) => name === "Range").map(({ asked }) => tokenOf(asked)),
    [""],
  );
  etcd.script = (call, asked) =>
    call === "Range" && tokenOf(asked) === ""
      ? { code: status.INVALID_ARGUMENT, details: "etcdserver: user name is empty" }
      : undefined;
  await store.get("/a", { signal });
  assert.match(tokenOf(etcd.asked.at(-1)!.asked), /^token-/u);
  assert.equal(etcd.count("Authenticate"), 2, "it is not asked for with each call");
});

test("a wrong password is told without it, and how to set it", async () => {
  await using parts = await called(1, USER);
  const { store, etcd } = parts;
  const details = "etcdserver: authentication failed, invalid user ID or password";
  etcd.script = (call) => (call === "Authenticate" ? { code: status.INVALID_ARGUMENT, details } : undefined);
  const error = await store.get("/a", { signal }).catch((cause: unknown) => cause);
  assert.ok(error instanceof RouterError);
  assert.equal(error.code, "STORE_REFUSED");
  assert.match(error.hint ?? "", /etcdctl user passwd/u);
  assert.doesNotMatch(JSON.stringify([error.message, error.hint, String(error.cause), error.stack]), /pass word/u);
});

test("a list whose revision is compacted between its pages begins anew, at another one", async () => {
  await using parts = await called(1);
  const { store, etcd } = parts;
  for (let i = 0; i < 500; i++) etcd.put(`/k${String(i).padStart(3, "0")}`, 100);
  let compactions = 1;
  etcd.script = (_, { request }) => {
    if (request["revision"] === undefined || compactions-- <= 0) return undefined;
    etcd.put("/k000", 300);
    return { code: status.OUT_OF_RANGE, details: "etcdserver: mvcc: required revision has been compacted" };
  };
  const { entries, revision } = await store.list("/", { signal });
  assert.deepEqual([entries.length, revision], [500, 300n]);
  const pinned = etcd.asked.map(({ asked }) => asked.request["revision"]);
  assert.deepEqual(new Set(pinned.slice(0, 2)), new Set([undefined, "100"]));
  assert.equal(pinned.at(-1), "300");
});

test("pages are small while values are large", async () => {
  await using parts = await called(1);
  const { store, etcd } = parts;
  for (let i = 0; i < 300; i++) etcd.put(`/k${String(i).padStart(3, "0")}`, 100, "x".repeat(200_000));
  await store.list("/", { signal });
  const limits = etcd.asked.map(({ asked }) => Number(asked.request["limit"]));
  assert.ok(
    limits.slice(1).every((limit) => limit > 0 && limit <= 21),
    limits.join(),
  );
});

test("a key is put with a session when it is nobody's, and not when it is another's", async () => {
  await using parts = await called(1);
  const { store, etcd } = parts;
  let lease = "0";
  etcd.script = (name, { request }) => {
    if (name !== "Txn") return undefined;
    const [compare] = request["compare"] as { lease: string }[];
    if (compare?.lease === lease) return { header: etcd.header(), succeeded: true };
    const kv = { key: Buffer.from("/a"), create_revision: 5, mod_revision: 5, lease };
    return { header: etcd.header(), responses: [{ response_range: { kvs: lease === "0" ? [] : [kv] } }] };
  };
  const txn = { if: [], then: [put("/a", "v", "7")], else: ["/a"] };
  assert.deepEqual(await store.txn(txn, { signal }), { done: true, revision: 100n });
  assert.equal(etcd.count("Txn"), 2);
  lease = "7";
  assert.equal((await store.txn(txn, { signal })).done, true);
  assert.equal(etcd.count("Txn"), 3);
  lease = "9";
  const refused = await store.txn(txn, { signal });
  assert.ok(!refused.done && refused.entries[0]?.session === "9");
  assert.equal(etcd.count("Txn"), 4);
});

test("leases: an answer to a renewal that was given up is never one to the next", async () => {
  await using etcd = await ScriptedEtcd.open();
  await using leases = openEtcdLeases(settingsOf([etcd.endpoint]), OPTIONS);
  const leaving = new AbortController();
  const first = leases.renew("7", { signal: leaving.signal });
  const late = await etcd.next("LeaseKeepAlive");
  leaving.abort(new Error("given up"));
  await assert.rejects(first, /given up/u);
  const second = leases.renew("7", { signal });
  const stream = await etcd.next("LeaseKeepAlive");
  late.send({ header: etcd.header(), ID: "7", TTL: "99" });
  stream.send({ header: etcd.header(), ID: "7", TTL: "15" });
  assert.deepEqual(await second, { id: "7", ttlMs: 15_000 });
  assert.deepEqual(stream.metadata.get("hasleader"), ["true"]);
});

test("leases: TTL 0 says that it has ended; a grant tells what was granted; a lost one is asked for again", async () => {
  await using etcd = await ScriptedEtcd.open();
  await using leases = openEtcdLeases(settingsOf([etcd.endpoint]), OPTIONS);
  const renewal = leases.renew("7", { signal });
  (await etcd.next("LeaseKeepAlive")).send({ header: etcd.header(), ID: "7", TTL: "0" });
  assert.equal(await renewal, undefined);
  etcd.script = (name) =>
    etcd.count(name) === 1 ? unavailable("etcdserver: leader changed") : { ID: "-1", TTL: "20" };
  assert.deepEqual(await leases.grant(3_001, { signal }), { id: "ffffffffffffffff", ttlMs: 20_000 });
  assert.equal(etcd.asked.at(-1)?.asked.request["TTL"], "4");
  const details = "etcdserver: requested lease not found";
  etcd.script = () => ({ code: status.NOT_FOUND, details });
  await leases.revoke("7", { signal });
});

test("a renewal that fails is asked of the next endpoint", async () => {
  await using etcd = await ScriptedEtcd.open();
  await using other = await ScriptedEtcd.open();
  await using leases = openEtcdLeases(settingsOf([etcd.endpoint, other.endpoint]), OPTIONS);
  const renewal = leases.renew("7", { signal });
  (await etcd.next("LeaseKeepAlive")).fail(status.UNAVAILABLE, "etcdserver: no leader");
  (await other.next("LeaseKeepAlive")).send({ header: other.header(), ID: "7", TTL: "15" });
  assert.deepEqual(await renewal, { id: "7", ttlMs: 15_000 });
});

test("once it is closed, calls that wait end, and others are refused", async () => {
  await using parts = await called(1);
  const { store, etcd } = parts;
  etcd.script = () => "silence";
  const waiting = store.get("/a", { signal });
  await etcd.untilAsked("Range", 1);
  await store[Symbol.asyncDispose]();
  await assert.rejects(waiting, withCode("STORE_UNREACHABLE"));
  await assert.rejects(store.get("/a", { signal }), withCode("STORE_UNREACHABLE"));
  await assert.rejects(store.txn(NEW_KEY, { signal }), withCode("STORE_UNREACHABLE"));
  for await (const event of store.watch("/", { signal })) assert.fail(event.kind);
});

test("history is compacted only where the settings say so, and once is enough", async () => {
  await using parts = await called(1);
  assert.equal(parts.store.compact, undefined);
  await using ours = await called(1, { compact: true });
  const details = "etcdserver: mvcc: required revision has been compacted";
  ours.etcd.script = (name) => (name === "Compact" ? { code: status.OUT_OF_RANGE, details } : undefined);
  await ours.store.compact?.(5n, { signal });
  assert.deepEqual(
    ours.etcd.asked.map(({ name, asked }) => [name, asked.request["revision"]]),
    [["Compact", "5"]],
  );
});
