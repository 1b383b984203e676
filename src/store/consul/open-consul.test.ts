import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { type ConsulAnswer, pairOf, ScriptedConsul } from "../../../test/support/scripted-consul.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { type ErrorCode, RouterError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import type { StoreAdapter, StoreOptions, Txn } from "../store.ts";
import { openConsul } from "./open-consul.ts";

const { signal } = new AbortController();
const TOKEN = "b1gs33cr3t-0000";
const NO_LEADER: ConsulAnswer = { status: 500, body: "No cluster leader" };
const EMPTY: ConsulAnswer = { status: 404, index: 5 };
const ONE: ConsulAnswer = { index: 7, body: [pairOf("a", 7)] };

function world(clock: Clock = systemClock): StoreOptions {
  const nothing = (): void => undefined;
  const observer = { called: nothing, watchLag: nothing, resynced: nothing, renewed: nothing, sessionLost: nothing };
  return { clock, random: seededRandom(1), observer };
}

function open(
  endpoints: readonly string[],
  { clock = systemClock, token }: { clock?: Clock; token?: string } = {},
): StoreAdapter {
  return openConsul({ kind: "consul", endpoints, token }, world(clock));
}

/** Nobody listens there. */
async function deadUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  await once(server.close(), "close");
  return `http://127.0.0.1:${bound !== null && typeof bound === "object" ? bound.port : 0}`;
}

async function faultOf(call: Promise<unknown>): Promise<RouterError> {
  const cause = await call.then(
    () => assert.fail("it succeeded"),
    (thrown: unknown) => thrown,
  );
  assert.ok(cause instanceof RouterError, inspect(cause));
  return cause;
}

function put(key: string, compare: Txn["if"] = []): Txn {
  return { if: compare, then: [{ kind: "put", key, value: Buffer.from("v") }] };
}

test("consul: an endpoint that is down is left for the next one, which is kept", async () => {
  await using other = await ScriptedConsul.open(() => ONE);
  await using store = open([await deadUrl(), other.url]);
  for (let i = 0; i < 3; i++) assert.equal((await store.get("/a", { signal }))?.modified, 7n);
  assert.deepEqual(other.paths, Array(3).fill("kv/a?consistent"));
});

test("consul: a server without a leader is left for the next one; a transaction goes there, too", async () => {
  await using first = await ScriptedConsul.open(() => NO_LEADER);
  await using second = await ScriptedConsul.open(({ path }) => {
    return path.startsWith("txn") ? { body: { Results: [{ KV: pairOf("a", 9) }] } } : EMPTY;
  });
  await using store = open([first.url, second.url]);
  assert.deepEqual(await store.txn(put("/a", [{ kind: "absent", key: "/a" }]), { signal }), {
    done: true,
    revision: 9n,
  });
  assert.deepEqual([first.paths, second.paths], [["txn?consistent"], ["txn?consistent"]]);
});

interface FaultCase {
  readonly name: string;
  readonly answer: ConsulAnswer;
  readonly code: ErrorCode;
  readonly says: RegExp;
  readonly hint: RegExp;
}

const FAULTS: readonly FaultCase[] = [
  {
    name: "no leader",
    answer: NO_LEADER,
    code: "STORE_UNREACHABLE",
    says: /HTTP 500: No cluster leader/u,
    hint: /raft list-peers/u,
  },
  {
    name: "a token that is not known",
    answer: { status: 403, body: "ACL not found" },
    code: "STORE_REFUSED",
    says: /ACL not found/u,
    hint: /coordination\.token/u,
  },
  {
    name: "no right",
    answer: { status: 403, body: "Permission denied" },
    code: "STORE_REFUSED",
    says: /HTTP 403/u,
    hint: /key_prefix/u,
  },
  {
    name: "too many requests",
    answer: { status: 429, body: "rate limit" },
    code: "STORE_UNREACHABLE",
    says: /HTTP 429/u,
    hint: /request_limits/u,
  },
  {
    name: "what is no Consul",
    answer: { status: 404, body: "<html>" },
    code: "STORE_UNREACHABLE",
    says: /cannot be read/u,
    hint: /is it Consul/u,
  },
  {
    name: "a port that speaks another HTTP",
    answer: { status: 505, body: "This port speaks gRPC over HTTP/2." },
    code: "STORE_UNREACHABLE",
    says: /HTTP 505/u,
    hint: /is it Consul/u,
  },
  {
    name: "a server that redirects",
    answer: { status: 301, body: "" },
    code: "STORE_UNREACHABLE",
    says: /HTTP 301/u,
    hint: /is it Consul/u,
  },
  {
    name: "a server that takes no such requests",
    answer: { status: 405, body: "" },
    code: "STORE_UNREACHABLE",
    says: /HTTP 405/u,
    hint: /is it Consul/u,
  },
  {
    name: "no JSON",
    answer: { index: 1, body: "<html>" },
    code: "STORE_UNREACHABLE",
    says: /cannot be read/u,
    hint: /is it Consul/u,
  },
  {
    name: "HTTP where TLS is spoken",
    answer: { status: 400, body: "Client sent an HTTP request to an HTTPS server." },
    code: "STORE_UNREACHABLE",
    says: /HTTP 400/u,
    hint: /https:\/\//u,
  },
  {
    name: "a connection that ends",
    answer: "reset",
    code: "STORE_UNREACHABLE",
    says: /closed|ECONNRESET/u,
    hint: /coordination\.endpoints/u,
  },
];
for (const { name, answer, code, says, hint } of FAULTS) {
  test(`consul: ${name} is told with the endpoint, and how to mend it`, async () => {
    await using server = await ScriptedConsul.open(() => answer);
    await using store = open([server.url]);
    const fault = await faultOf(store.get("/a", { signal }));
    assert.deepEqual([fault.code, fault.message.includes(server.url)], [code, true], fault.message);
    assert.match(fault.message, says);
    assert.match(fault.hint ?? "", hint);
  });
}

test("consul: the token is sent, and in nothing that is printed, even when the server says it", async () => {
  await using server = await ScriptedConsul.open(() => ({ status: 500, body: `who is ${TOKEN}?` }));
  await using store = open([server.url], { token: TOKEN });
  const fault = await faultOf(store.get("/a", { signal }));
  const txnFault = await faultOf(store.txn(put("/a"), { signal }));
  assert.equal(server.asked[0]?.headers["x-consul-token"], TOKEN);
  assert.match(fault.message, /who is \[redacted\]\?/u);
  for (const one of [fault, txnFault, store]) {
    assert.ok(!inspect(one, { depth: 20, showHidden: true }).includes(TOKEN));
  }
});

test("consul: a call that is not answered ends at its deadline, and the next connection is a new one", async () => {
  const clock = new ManualClock();
  await using server = await ScriptedConsul.open(() => "hang");
  await using store = open([server.url], { clock });
  const call = faultOf(store.get("/a", { signal, deadlineMs: 1_000 }));
  await server.untilAsked(1);
  clock.advance(500);
  await server.untilAsked(2);
  clock.advance(500);
  const fault = await call;
  assert.deepEqual([fault.code, server.asked.length, clock.pending], ["STORE_UNREACHABLE", 2, 0]);
  assert.match(fault.message, /no answer within 500 ms/u);
});

test("consul: more of an answer than is read of one is told as such", async () => {
  const half = Buffer.alloc(33 * 1_024 * 1_024, " ");
  await using server = await ScriptedConsul.open(() => ({ index: 1, body: Buffer.concat([half, half]) }));
  await using store = open([server.url], { clock: new ManualClock() }); // so much takes a busy machine seconds
  assert.match((await faultOf(store.list("/a", { signal }))).message, /more bytes than are read/u);
});

test("consul: a list from which something is left out for want of rights is none", async () => {
  const headers = { "x-consul-results-filtered-by-acls": "true" };
  await using newer = await ScriptedConsul.open(() => ({ index: 7, headers, body: [pairOf("a", 7)] }));
  await using store = open([newer.url]);
  assert.equal((await faultOf(store.list("/", { signal }))).code, "STORE_REFUSED");
  // An older server says nothing of it, but does not let a key be read.
  await using older = await ScriptedConsul.open(({ path }) => {
    return path.includes("recurse") ? EMPTY : { status: 403, body: "Permission denied" };
  });
  await using asked = open([older.url]);
  assert.equal((await faultOf(asked.list("/sig/", { signal }))).code, "STORE_REFUSED");
  assert.deepEqual(older.paths, ["kv/sig/?recurse&consistent", "kv/sig/any?consistent"]);
});

test("consul: when only the last write of a key that is compared by its creation has moved, it is tried again", async () => {
  const modified = [7, 8];
  await using server = await ScriptedConsul.open(({ path, body }) => {
    if (!path.startsWith("txn")) return { index: 9, body: [pairOf("a", modified[0]!, { CreateIndex: 3 })] };
    if (body.includes(`"Index":8`)) return { body: { Results: [{ KV: pairOf("b", 9) }] } };
    modified.shift();
    return {
      status: 409,
      body: { Errors: [{ OpIndex: 0, What: `failed index check for key "a", current modify index 8 != 7` }] },
    };
  });
  await using store = open([server.url]);
  const txn: Txn = { if: [{ kind: "created", key: "/a", revision: 3n }], then: [{ kind: "delete", key: "/b" }] };
  assert.deepEqual(await store.txn(txn, { signal }), { done: true, revision: 9n });
  assert.equal(server.asked.length, 4);
});

for (const [name, lost] of [
  ["a connection that ends", "reset"],
  ["an error of which nobody knows when it came", { status: 500, body: "rpc error making call: EOF" }],
] as const) {
  test(`consul: a transaction whose outcome is lost in ${name} is not sent again when it was done`, async () => {
    const written: { key?: string } = {};
    await using server = await ScriptedConsul.open(({ path }) => {
      if (path.startsWith("kv/")) return written.key === undefined ? EMPTY : { index: 9, body: [pairOf("a", 9)] };
      written.key = "a";
      return lost;
    });
    await using store = open([server.url]);
    const outcome = await store.txn(put("/a", [{ kind: "absent", key: "/a" }]), { signal });
    assert.deepEqual(outcome, { done: true, revision: 9n });
    assert.equal(server.paths.filter((path) => path.startsWith("txn")).length, 1);
  });
}

test("consul: a check warns of what an operator should know", async () => {
  await using server = await ScriptedConsul.open(({ path }) => {
    const headers = { date: "Thu, 01 Jan 1970 00:00:00 GMT" };
    if (path.startsWith("kv/")) return { index: 44, headers, body: ["a/"] };
    if (path === "status/leader") return { body: '""' };
    return { body: { Config: { Version: "1.6.2" }, DebugConfig: { ACLsEnabled: true, ACLDefaultPolicy: "allow" } } };
  });
  const dead = await deadUrl();
  await using store = open([server.url, dead]);
  const { version, revision, clock, warnings } = await store.check({ signal });
  assert.deepEqual([version, revision], ["1.6.2", 44n]);
  assert.ok(clock !== undefined && clock.leastMs < -1e12, "it says that it is 1970 there");
  assert.deepEqual(
    new Set(warnings.map(({ code }) => code)),
    new Set(["old_version", "auth_open", "no_leader", "endpoint_down"]),
  );
  const told = warnings.map(({ message }) => message).join("\n");
  for (const part of [/1\.6\.2 ends a session/u, /ACLs allow/u, /knows no leader/u, /ECONNREFUSED/u])
    assert.match(told, part);
  assert.ok(told.includes(server.url) && told.includes(dead));
});

test("consul: a check with a token that may not see the agent tells what it can", async () => {
  await using server = await ScriptedConsul.open(({ path }) => {
    if (path.startsWith("kv/")) return { index: 44, headers: { "x-consul-default-acl-policy": "deny" }, body: [] };
    return path === "status/leader" ? { body: '"10.0.0.1:8300"' } : { status: 403, body: "Permission denied" };
  });
  await using store = open([server.url], { token: TOKEN });
  const { version, warnings } = await store.check({ signal });
  assert.deepEqual([version, warnings], ["unknown", []]);
});

test("consul: keys that a URL cannot name are read in a transaction, and listed with those beside them", async () => {
  await using server = await ScriptedConsul.open(({ path }) => {
    if (path.startsWith("txn")) return { body: { Results: [{ KV: pairOf("a/./b", 3) }] } };
    return { index: 7, body: [pairOf("a/./b", 3), pairOf("a/b", 7)] };
  });
  await using store = open([server.url]);
  assert.equal((await store.get("/a/./b", { signal }))?.modified, 3n);
  const { entries, revision } = await store.list("/a/./", { signal });
  assert.deepEqual([entries.map(({ key }) => key), revision], [["/a/./b"], 7n]);
  assert.deepEqual(server.paths, ["txn?consistent", "kv/a/?recurse&consistent"]);
});
