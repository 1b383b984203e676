import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { type ConsulAnswer, ScriptedConsul } from "../../../test/support/scripted-consul.ts";
import { RouterError } from "../../core/errors.ts";
import type { LeaseClient } from "../lease.ts";
import { openConsulLeases } from "./consul-leases.ts";

const { signal } = new AbortController();
const ID = "c6978f63-3664-79af-f708-9a8773ba3323";

function open(server: ScriptedConsul): LeaseClient {
  return openConsulLeases({ kind: "consul", endpoints: [server.url] }, { clock: new ManualClock() });
}

const TTLS = [
  { name: "as long as asked for", asked: 15_000, sent: "15000ms" },
  { name: "as long as Consul's shortest at least", asked: 3_000, sent: "10000ms" },
] as const;
for (const { name, asked, sent } of TTLS) {
  test(`consul leases: a session is ${name}, deletes what it holds, delays nobody, and hangs on no check`, async () => {
    await using server = await ScriptedConsul.open(() => ({ body: { ID } }));
    await using leases = open(server);
    assert.deepEqual(await leases.grant(asked, { signal }), { id: ID, ttlMs: Number.parseInt(sent, 10) });
    const want = { LockDelay: "0s", Behavior: "delete", NodeChecks: [], Name: "signalbox", TTL: sent };
    assert.deepEqual([server.paths, JSON.parse(server.asked[0]?.body ?? "")], [["session/create"], want]);
  });
}

test("consul leases: a TTL that Consul has made longer is what holds from then on", async () => {
  await using server = await ScriptedConsul.open(() => ({ body: [{ ID, TTL: "1m30s" }] }));
  await using leases = open(server);
  assert.deepEqual(await leases.renew(ID, { signal }), { id: ID, ttlMs: 90_000 });
});

const GONE: readonly { readonly name: string; readonly answer: ConsulAnswer; readonly isGone: boolean }[] = [
  {
    name: "a session that Consul does not know has ended",
    answer: { status: 404, body: `Session id '${ID}' not found` },
    isGone: true,
  },
  { name: "what is no Consul ends no session", answer: { status: 404, body: "<html>not here</html>" }, isGone: false },
  { name: "an error ends no session", answer: { status: 500, body: "No cluster leader" }, isGone: false },
];
for (const { name, answer, isGone } of GONE) {
  test(`consul leases: ${name}`, async () => {
    await using server = await ScriptedConsul.open(() => answer);
    await using leases = open(server);
    const renewed = leases.renew(ID, { signal });
    if (isGone) assert.equal(await renewed, undefined);
    else await assert.rejects(renewed, (cause) => cause instanceof RouterError && cause.code !== "SESSION_LOST");
  });
}

test("consul leases: what Consul will never take is refused, and not tried elsewhere", async () => {
  await using server = await ScriptedConsul.open(() => ({
    status: 500,
    body: "Invalid Session TTL '90000000000000', must be between [10s=24h0m0s]",
  }));
  await using leases = open(server);
  await assert.rejects(
    leases.grant(90_000_000, { signal }),
    (cause) => cause instanceof RouterError && cause.code === "STORE_REFUSED",
  );
  assert.equal(server.asked.length, 1);
});
