import assert from "node:assert/strict";
import { test } from "node:test";
import * as messages from "../../../src/store/etcd/messages.ts";
import { decodeApi, encodeApi } from "./etcd-api.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const BIG = 2n ** 62n + 3n;

test("etcd's messages: a read is what its own definitions say", () => {
  const request = { key: Buffer.from("/a"), end: Buffer.from("/b"), limit: 7, revision: BIG, keysOnly: true };
  assert.deepEqual(decodeApi("RangeRequest", messages.encodeRange({ ...request, minModified: 9n })), {
    key: base64("/a"),
    range_end: base64("/b"),
    limit: "7",
    revision: String(BIG),
    keys_only: true,
    min_mod_revision: "9",
  });
});

test("etcd's messages: a transaction, with comparisons to zero that are there", () => {
  const encoded = messages.encodeTxn({
    compare: [
      { target: "created", key: "/a", value: 0n },
      { target: "modified", key: "/b", value: 5n },
      { target: "lease", key: "/c", value: BIG },
    ],
    success: [
      { kind: "put", key: "/a", value: Buffer.from("x"), lease: BIG },
      { kind: "put", key: "/e", value: new Uint8Array(0), lease: 0n },
      { kind: "delete", key: "/b" },
    ],
    failure: [{ kind: "range", range: { key: Buffer.from("/a") } }],
  });
  assert.deepEqual(decodeApi("TxnRequest", encoded), {
    compare: [
      { target: "CREATE", key: base64("/a"), create_revision: "0" },
      { target: "MOD", key: base64("/b"), mod_revision: "5" },
      { target: "LEASE", key: base64("/c"), lease: String(BIG) },
    ],
    success: [
      { request_put: { key: base64("/a"), value: base64("x"), lease: String(BIG) } },
      { request_put: { key: base64("/e") } },
      { request_delete_range: { key: base64("/b") } },
    ],
    failure: [{ request_range: { key: base64("/a") } }],
  });
});

test("etcd's messages: a watch begins at its revision, with progress and parts, without old values", () => {
  const encoded = messages.encodeWatchCreate(Buffer.from("/a"), Buffer.from("/b"), BIG);
  assert.deepEqual(decodeApi("WatchRequest", encoded), {
    create_request: {
      key: base64("/a"),
      range_end: base64("/b"),
      start_revision: String(BIG),
      progress_notify: true,
      fragment: true,
    },
  });
});

test("etcd's messages: leases, compaction and users", () => {
  assert.deepEqual(decodeApi("LeaseGrantRequest", messages.encodeLeaseGrant(15)), { TTL: "15" });
  assert.deepEqual(decodeApi("LeaseKeepAliveRequest", messages.encodeLeaseId(BIG)), { ID: String(BIG) });
  assert.deepEqual(decodeApi("CompactionRequest", messages.encodeCompaction(BIG)), { revision: String(BIG) });
  assert.deepEqual(decodeApi("AuthenticateRequest", messages.encodeAuthenticate("ä", "p")), {
    name: "ä",
    password: "p",
  });
  const lease = { ID: String(BIG), TTL: "15" };
  assert.deepEqual(messages.decodeLease(encodeApi("LeaseGrantResponse", lease)), { id: BIG, ttlSeconds: 15 });
  assert.deepEqual(messages.decodeLease(encodeApi("LeaseKeepAliveResponse", { ID: "1" })), { id: 1n, ttlSeconds: 0 });
  assert.equal(messages.decodeToken(encodeApi("AuthenticateResponse", { token: "t.1" })), "t.1");
});

const KV = { key: "/a", create_revision: "3", mod_revision: String(BIG), version: "2", value: "x", lease: "77" };
const HEADER = { cluster_id: String(2n ** 64n - 1n), member_id: "1", revision: "12", raft_term: "2" };
const bytes = <T extends { key: string; value: string }>(kv: T) => {
  return { ...kv, key: Buffer.from(kv.key), value: Buffer.from(kv.value) };
};
const ENTRY = { key: "/a", value: Uint8Array.from(Buffer.from("x")), created: 3n, modified: BIG, lease: 77n };

test("etcd's messages: answers to reads and transactions", () => {
  const range = { header: HEADER, kvs: [bytes(KV)], more: true, count: "9" };
  const header = { clusterId: 2n ** 64n - 1n, revision: 12n };
  const decoded = { header, entries: [ENTRY], more: true };
  assert.deepEqual(messages.decodeRange(encodeApi("RangeResponse", range)), decoded);
  const responses = [{ response_put: {} }, { response_range: range }, { response_range: {} }];
  const txn = messages.decodeTxn(encodeApi("TxnResponse", { header: HEADER, succeeded: true, responses }));
  const none = { header: { clusterId: 0n, revision: 0n }, entries: [], more: false };
  assert.deepEqual(txn, { header, succeeded: true, ranges: [decoded, none] });
});

test("etcd's messages: what a watch tells", () => {
  const events = [
    { type: "PUT", kv: bytes(KV) },
    { type: "DELETE", kv: { key: Buffer.from("/b"), mod_revision: "4" } },
  ];
  const told = { header: HEADER, watch_id: "-1", created: true, canceled: true, compact_revision: "8" };
  const encoded = encodeApi("WatchResponse", { ...told, cancel_reason: "why", fragment: true, events });
  assert.deepEqual(messages.decodeWatch(encoded), {
    header: { clusterId: 2n ** 64n - 1n, revision: 12n },
    watchId: -1n,
    created: true,
    canceled: true,
    compactRevision: 8n,
    cancelReason: "why",
    fragment: true,
    events: [
      { isDelete: false, entry: ENTRY },
      { isDelete: true, entry: { key: "/b", value: new Uint8Array(0), created: 0n, modified: 4n, lease: 0n } },
    ],
  });
});

test("etcd's messages: what a member says of itself", () => {
  const status = { header: HEADER, version: "3.6.1", dbSize: "20480", leader: String(2n ** 63n), errors: ["a", "b"] };
  assert.deepEqual(messages.decodeStatus(encodeApi("StatusResponse", { ...status, dbSizeQuota: "4096" })), {
    header: { clusterId: 2n ** 64n - 1n, revision: 12n },
    version: "3.6.1",
    dbSize: 20_480,
    dbSizeQuota: 4_096,
    leader: 2n ** 63n,
    errors: ["a", "b"],
  });
});
