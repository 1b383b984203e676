import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RouterError } from "../../../src/core/errors.ts";
import { openEtcdLeases } from "../../../src/store/etcd/etcd-leases.ts";
import { openEtcd } from "../../../src/store/etcd/open-etcd.ts";
import type { EtcdSettings } from "../../../src/store/store.ts";
import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { createAuthority } from "../../support/certs.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { put, read, textOf, withCode, write } from "../contract/calls.ts";
import { Follower } from "../contract/follower.ts";
import { settingsOf, STORE_OPTIONS } from "./etcd-fixture.ts";
import { enableUsers } from "./etcd-users.ts";

/** TLS, client certificates, users and tokens, on a real etcd. */

const skip = findProgram("etcd") === undefined ? absenceOf("etcd") : false;
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "signalbox-etcd-secure-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const authority = await createAuthority();
const stranger = await createAuthority("somebody else");
const identity = await authority.server();
const { ca } = authority;
const SERVER_FLAGS = ["--cert-file", file("server.pem", identity.cert), "--key-file", file("server.key", identity.key)];
const CLIENT_FLAGS = ["--client-cert-auth", "--trusted-ca-file", file("ca.pem", ca)];

/** Does what a store is for: writes, reads, watches and holds a lease. */
async function works(settings: EtcdSettings, prefix: string): Promise<void> {
  await using store = openEtcd(settings, STORE_OPTIONS);
  await using leases = openEtcdLeases(settings, STORE_OPTIONS);
  await using follower = new Follower(store, prefix);
  const { id } = await leases.grant(3_000, { signal });
  await write(store, [put(`${prefix}a`, "x", id)], signal);
  assert.ok(await leases.renew(id, { signal }));
  await follower.until(() => follower.state.has(`${prefix}a`), "the write");
  assert.equal(textOf(await read(store, `${prefix}a`, signal)), "x");
  await leases.revoke(id, { signal });
  await follower.until(() => follower.state.size === 0, "its end");
  assert.ok((await store.check({ signal })).latencyMs >= 0);
}

async function failure(settings: EtcdSettings): Promise<RouterError> {
  await using store = openEtcd(settings, STORE_OPTIONS);
  const error = await store.get("/a", { signal }).catch((cause: unknown) => cause);
  assert.ok(error instanceof RouterError, String(error));
  return error;
}

test("TLS: with its authority it works; with another, or none, it does not, and the reason and its cure are told", {
  skip,
}, async () => {
  await using server = await EtcdServer.open({ scheme: "https", flags: SERVER_FLAGS });
  await works(settingsOf(server.endpoints, { tls: { ca } }), "/tls/");
  const named = server.endpoints.map((url) => url.replace("127.0.0.1", "localhost"));
  await works(settingsOf(named, { tls: { ca } }), "/tls/");
  for (const tls of [{ ca: stranger.ca }, undefined]) {
    const error = await failure(settingsOf(server.endpoints, { tls }));
    assert.equal(error.code, "STORE_UNREACHABLE");
    assert.match(error.message, /certificate/u);
    assert.match(error.hint ?? "", /tls\.ca/u);
  }
  const other = await failure(settingsOf(server.endpoints, { tls: { ca, serverName: "etcd.example" } }));
  assert.match(`${other.message} ${other.hint}`, /altnames.*tls\.server_name/u);
  const plain = await failure(settingsOf(server.endpoints.map((url) => url.replace("https", "http"))));
  assert.match(plain.hint ?? "", /if so, write https:\/\//u);
});

test("TLS: to an etcd that speaks none", { skip }, async () => {
  await using server = await EtcdServer.open();
  const error = await failure(
    settingsOf(
      server.endpoints.map((url) => url.replace("http", "https")),
      { tls: { ca } },
    ),
  );
  assert.equal(error.code, "STORE_UNREACHABLE");
  assert.match(error.hint ?? "", /if not, write http:\/\//u);
});

test("mTLS: with a certificate it works, and its name is the user, with rights on the prefix alone", {
  skip,
}, async () => {
  await using server = await EtcdServer.open({ scheme: "https", flags: [...SERVER_FLAGS, ...CLIENT_FLAGS] });
  const tls = { ca, ...(await authority.client("signalbox")) };
  const error = await failure(settingsOf(server.endpoints, { tls: { ca } }));
  assert.equal(error.code, "STORE_UNREACHABLE");
  assert.match(error.hint ?? "", /tls\.cert/u);
  await enableUsers(server.only.endpoint, [{ name: "signalbox", prefix: "/signalbox/" }], tls);
  await works(settingsOf(server.endpoints, { tls }), "/signalbox/");
  const denied = await failure(settingsOf(server.endpoints, { tls }));
  assert.equal(denied.code, "STORE_REFUSED");
  const nobody = { ca, ...(await authority.client("nobody")) };
  assert.equal((await failure(settingsOf(server.endpoints, { tls: nobody }))).code, "STORE_REFUSED");
});

const USER = { name: "signalbox", password: "a pass word", prefix: "/signalbox/" };

test("users: rights on the prefix are enough for all; what is beside it is refused, with how to grant it", {
  skip,
}, async () => {
  await using server = await EtcdServer.open();
  await enableUsers(server.only.endpoint, [USER]);
  const settings = settingsOf(server.endpoints, { user: USER });
  await works(settings, USER.prefix);
  await using store = openEtcd(settings, STORE_OPTIONS);
  await assert.rejects(store.list("/other/", { signal }), withCode("STORE_REFUSED"));
  await assert.rejects(write(store, [put("/signalbox/a"), put("/other")], signal), withCode("STORE_REFUSED"));
  assert.equal(await store.get("/signalbox/a", { signal }), undefined);
  const denied = await failure(settings);
  assert.match(denied.hint ?? "", /etcdctl role grant-permission/u);
  const anonymous = await failure(settingsOf(server.endpoints));
  assert.equal(anonymous.code, "STORE_REFUSED");
  assert.match(anonymous.hint ?? "", /coordination\.username/u);
  const wrong = await failure(settingsOf(server.endpoints, { user: { ...USER, password: "not the pass word" } }));
  assert.equal(wrong.code, "STORE_REFUSED");
  assert.doesNotMatch(`${wrong.message} ${wrong.hint}`, /not the pass/u);
});

test("users: tokens that a restarted member no longer knows are renewed, under a watch, too", { skip }, async () => {
  await using server = await EtcdServer.open();
  await enableUsers(server.only.endpoint, [USER]);
  await using store = openEtcd(settingsOf(server.endpoints, { user: USER }), STORE_OPTIONS);
  await using follower = new Follower(store, USER.prefix);
  await follower.until(() => follower.isSynced, "the snapshot");
  await server.only.kill();
  await server.only.start();
  const revision = await write(store, [put("/signalbox/a")], signal);
  await follower.until(() => follower.isSynced && follower.revision >= revision, "the change");
  assert.equal(follower.count("resync"), 0);
});

const TOKEN_TTL_MS = 1_000;

test("users: a token whose time ends while a watch is open costs neither the watch nor a call", { skip }, async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const keys = `pub-key=${file("jwt.pub", publicKey)},priv-key=${file("jwt.key", privateKey)}`;
  const token = `jwt,${keys},sign-method=RS256,ttl=${TOKEN_TTL_MS}ms`;
  await using server = await EtcdServer.open({ flags: ["--auth-token", token] });
  await enableUsers(server.only.endpoint, [USER]);
  await using proxy = await FaultProxy.open(server.only.port);
  const settings = settingsOf([`http://127.0.0.1:${proxy.port}`], { user: USER });
  await using store = openEtcd(settings, STORE_OPTIONS);
  await using follower = new Follower(store, USER.prefix);
  await follower.until(() => follower.isSynced, "the snapshot");
  const first = await write(store, [put("/signalbox/a")], signal);
  await follower.until(() => follower.revision >= first, "the first change");
  await sleep(TOKEN_TTL_MS + 500); // etcd counts in whole seconds of the wall clock
  const second = await write(store, [put("/signalbox/a", "2")], signal);
  await follower.until(() => follower.revision >= second, "the second change");
  await sleep(TOKEN_TTL_MS + 500);
  proxy.cut();
  await follower.until(() => follower.count("lost") === 1 && follower.isSynced, "its return");
  const third = await write(store, [put("/signalbox/a", "3")], signal);
  await follower.until(() => follower.revision >= third, "the third change");
  assert.deepEqual([follower.count("changes"), follower.count("resync"), follower.count("lost")], [3, 0, 1]);
});
