import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inspect } from "node:util";
import { RouterError } from "../../../src/core/errors.ts";
import { openConsulLeases } from "../../../src/store/consul/consul-leases.ts";
import { openConsul } from "../../../src/store/consul/open-consul.ts";
import type { ConsulSettings, StoreTls } from "../../../src/store/store.ts";
import { createAuthority } from "../../support/certs.ts";
import { ConsulServer } from "../../support/consul-server.ts";
import { absent, put, read, remove, textOf, write } from "../contract/calls.ts";
import { Follower } from "../contract/follower.ts";
import { CONSUL_ABSENCE, STORE_OPTIONS } from "./consul-fixture.ts";

/** TLS, client certificates and tokens with few rights, on a real Consul. */

const skip = CONSUL_ABSENCE ?? false;
const { signal } = new AbortController();
const MANAGER = "11111111-2222-3333-4444-555555555555";
const TOKEN = "99999999-8888-7777-6666-555555555555";

/** The rules that docs/coordination.md has operators give, for the prefix /signalbox. */
const RULES = rulesOfDocs();

function rulesOfDocs(): string {
  const page = readFileSync(new URL("../../../docs/coordination.md", import.meta.url), "utf8");
  const rules = /```hcl\n(?<rules>.*?)```/su.exec(page)?.groups?.["rules"] ?? "";
  assert.match(rules, /key_prefix "signalbox\/"/u);
  return rules;
}

/** With it a check tells more. */
const AGENT_RULE = 'agent_prefix "" { policy = "read" }';

/** A token of the node's own with these rules. */
async function giveRights(server: ConsulServer, rules: string): Promise<void> {
  const known = await server.ask("GET", "acl/policy/name/signalbox");
  const id = typeof known === "object" && known !== null && "ID" in known ? `/${String(known.ID)}` : "";
  await server.ask("PUT", `acl/policy${id}`, { Name: "signalbox", Rules: rules });
  if (id === "") await giveToken(server);
}

async function giveToken(server: ConsulServer): Promise<void> {
  const token = { AccessorID: TOKEN, SecretID: TOKEN, Policies: [{ Name: "signalbox" }] };
  const given = await server.ask("PUT", "acl/token", token);
  assert.ok(typeof given === "object", inspect(given));
}

/** Does what a store is for: writes, reads, watches and holds a session. */
async function works(settings: ConsulSettings): Promise<void> {
  await using store = openConsul(settings, STORE_OPTIONS);
  await using leases = openConsulLeases(settings, STORE_OPTIONS);
  await using follower = new Follower(store, "/signalbox/");
  await follower.until(() => follower.isSynced, "the snapshot");
  const { id } = await leases.grant(10_000, { signal });
  await write(store, [put("/signalbox/a", "x", id), put("/signalbox/b")], signal);
  assert.ok(await leases.renew(id, { signal }));
  await follower.until(() => follower.state.size === 2, "the writes");
  assert.equal(textOf(await read(store, "/signalbox/a", signal)), "x");
  await write(store, [put("/signalbox/a"), remove("/signalbox/b")], signal);
  await leases.revoke(id, { signal });
  await write(store, [remove("/signalbox/a")], signal);
  await follower.until(() => follower.state.size === 0, "their end");
  assert.ok((await store.check({ signal })).latencyMs >= 0);
}

async function refusal(call: Promise<unknown>): Promise<RouterError> {
  const cause = await call.then(
    () => assert.fail("it succeeded"),
    (thrown: unknown) => thrown,
  );
  assert.ok(cause instanceof RouterError, inspect(cause));
  assert.ok(!inspect(cause, { depth: 20, showHidden: true }).includes(TOKEN), "no token is shown");
  return cause;
}

async function failure(settings: ConsulSettings): Promise<RouterError> {
  await using store = openConsul(settings, STORE_OPTIONS);
  return await refusal(store.get("/signalbox/a", { signal }));
}

test("consul, tokens: rights for the prefix and for sessions are all that is needed", { skip }, async () => {
  await using server = await ConsulServer.open({ manager: MANAGER });
  await giveRights(server, RULES);
  const settings = { ...server.settings, token: TOKEN };
  await works(settings);
  await using store = openConsul(settings, STORE_OPTIONS);
  const { version, warnings } = await store.check({ signal });
  assert.deepEqual([version, warnings], ["unknown", []]);
  await giveRights(server, `${RULES}\n${AGENT_RULE}`);
  assert.match((await store.check({ signal })).version, /^1\.\d+/u);
});

test("consul, tokens: what lies outside is refused and not left out, with the rights that it takes", {
  skip,
}, async () => {
  await using server = await ConsulServer.open({ manager: MANAGER });
  await giveRights(server, RULES);
  await server.ask("PUT", "kv/others/a", "theirs");
  await using store = openConsul({ ...server.settings, token: TOKEN }, STORE_OPTIONS);
  const calls = {
    get: () => store.get("/others/a", { signal }),
    list: () => store.list("/others/", { signal }),
    put: () => write(store, [put("/others/a")], signal),
    delete: () => write(store, [remove("/others/a")], signal),
    compare: () => store.txn({ if: [absent("/others/b")], then: [put("/signalbox/a")] }, { signal }),
    several: () => write(store, [put("/signalbox/a"), put("/others/b")], signal),
  };
  for (const [name, call] of Object.entries(calls)) {
    const fault = await refusal(call());
    assert.equal(fault.code, "STORE_REFUSED", name);
    assert.match(fault.hint ?? "", /key_prefix/u, name);
  }
  assert.equal(await store.get("/signalbox/a", { signal }), undefined);
  const stop = new AbortController();
  for await (const event of store.watch("/others/", { signal: stop.signal })) {
    assert.equal(event.kind, "lost");
    stop.abort();
  }
  await using anonymous = openConsulLeases({ ...server.settings, token: undefined }, STORE_OPTIONS);
  assert.equal((await refusal(anonymous.grant(10_000, { signal }))).code, "STORE_REFUSED");
});

test("consul, tokens: one that is revoked during a watch is told, and when it is known again all is told that was missed", {
  skip,
}, async () => {
  await using server = await ConsulServer.open({ manager: MANAGER });
  await giveRights(server, RULES);
  await using ours = openConsul({ ...server.settings, token: TOKEN }, STORE_OPTIONS);
  await using store = openConsul(server.settings, STORE_OPTIONS);
  await write(store, [put("/signalbox/a", "1"), put("/signalbox/gone")], signal);
  await using follower = new Follower(ours, "/signalbox/");
  await follower.until(() => follower.isSynced, "the snapshot");
  await server.ask("DELETE", `acl/token/${TOKEN}`);
  await write(store, [put("/signalbox/b")], signal); // what waits at the server is answered once more
  await follower.until(() => follower.count("lost") > 0, "the loss");
  const lost = follower.events.find((event) => event.kind === "lost");
  assert.match(lost?.reason ?? "", /ACL not found/u);
  assert.ok(!inspect(lost).includes(TOKEN));
  assert.match((await refusal(ours.get("/signalbox/a", { signal }))).hint ?? "", /coordination\.token/u);
  await write(store, [put("/signalbox/a", "2"), remove("/signalbox/gone")], signal);
  await giveToken(server);
  await follower.until(() => follower.isSynced, "what was missed");
  assert.deepEqual([...follower.state.keys()].toSorted(), ["/signalbox/a", "/signalbox/b"]);
  assert.equal(textOf(follower.state.get("/signalbox/a")), "2");
  assert.equal(follower.count("resync"), 0);
});

test("consul, TLS: with its authority; without, and under another name, it says what is wrong", { skip }, async () => {
  const authority = await createAuthority();
  const [identity, stranger] = [await authority.server(["localhost", "127.0.0.1"]), await createAuthority("other")];
  await using server = await ConsulServer.open({ tls: { ca: authority.ca, ...identity } });
  await works(server.settings);
  const withTls = (tls: StoreTls | undefined): ConsulSettings => ({ ...server.settings, tls });
  const cases = [
    { settings: withTls(undefined), says: /nobody who is trusted/u, hint: /coordination\.tls\.ca/u },
    { settings: withTls({ ca: stranger.ca }), says: /nobody who is trusted/u, hint: /coordination\.tls\.ca/u },
    {
      settings: withTls({ ca: authority.ca, serverName: "consul.example" }),
      says: /other names/u,
      hint: /server_name/u,
    },
    {
      settings: { ...server.settings, endpoints: [server.url.replace("https", "http")] },
      says: /HTTP request to an HTTPS/u,
      hint: /https:/u,
    },
  ];
  for (const { settings, says, hint } of cases) {
    const fault = await failure(settings);
    assert.match(fault.message, says);
    assert.match(fault.hint ?? "", hint);
  }
});

test("consul, mTLS: only for those who have a certificate, and with a token, too", { skip }, async () => {
  const authority = await createAuthority();
  const [identity, clients, other] = [
    await authority.server(["127.0.0.1"]),
    await authority.client(),
    await (await createAuthority("other")).client(),
  ];
  await using server = await ConsulServer.open({ tls: { ca: authority.ca, ...identity, clients }, manager: MANAGER });
  await giveRights(server, RULES);
  const settings = { ...server.settings, token: TOKEN };
  await works(settings);
  for (const tls of [{ ca: authority.ca }, { ca: authority.ca, ...other }]) {
    const fault = await failure({ ...settings, tls });
    assert.match(fault.hint ?? "", /coordination\.tls\.cert/u, fault.message);
  }
});
