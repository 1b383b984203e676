import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openConsulLeases } from "../../../src/store/consul/consul-leases.ts";
import { FACTS } from "../../../src/store/consul/facts.ts";
import { openConsul } from "../../../src/store/consul/open-consul.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { ConsulServer } from "../../support/consul-server.ts";
import { put, read, withCode, write } from "../contract/calls.ts";
import { Follower } from "../contract/follower.ts";
import { renewalSuite } from "../renewal/renewal.ts";
import { CONSUL_ABSENCE, consulContract, STORE_OPTIONS } from "./consul-fixture.ts";
import { memberTests } from "./members.ts";
import { WAITING_PARTS } from "./waiting-parts.ts";

/** A session of Consul takes 20 s to end by itself: all that waits for it does so together. */

const { signal } = new AbortController();
const skip = CONSUL_ABSENCE ?? false;
const TTL_MS = FACTS.minTtlMs;

describe("consul, what takes half a minute", { concurrency: true }, () => {
  for (const part of WAITING_PARTS) consulContract(`consul, ${part}`, [part]);

  renewalSuite("consul", {
    ttlMs: TTL_MS,
    skip: CONSUL_ABSENCE,
    open: async () => {
      const server = await ConsulServer.open();
      return { settings: server.settings, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    },
  });

  test("a session that nobody renews ends after twice its TTL, also when Consul was started again meanwhile", {
    skip,
  }, async () => {
    await using server = await ConsulServer.open();
    await using store = openConsul(server.settings, STORE_OPTIONS);
    await using leases = openConsulLeases(server.settings, STORE_OPTIONS);
    const restartedWith = await leases.grant(TTL_MS, { signal });
    await write(store, [put("/ends/before", "v", restartedWith.id)], signal);
    await server.restart();
    assert.ok(await leases.renew(restartedWith.id, { signal }), "it has outlived the server");
    await using follower = new Follower(store, "/ends/");
    const startMs = performance.now(); // oxlint-disable-line no-restricted-globals -- what Consul promises, by its own clock
    const left = await leases.grant(TTL_MS, { signal });
    await write(store, [put("/ends/after", "v", left.id)], signal);
    await follower.until(() => follower.state.has("/ends/after"), "what is held");
    await follower.until(() => follower.state.size === 0, "the end of both");
    const tookMs = performance.now() - startMs; // oxlint-disable-line no-restricted-globals -- as above
    assert.ok(tookMs >= FACTS.expiryFactor * TTL_MS - 500, `${tookMs} ms: nobody may have it sooner`);
  });

  for (const share of [0.5, 1, 2]) standsStill(share);
  memberTests();
});

function standsStill(share: number): void {
  test(`Consul stands still for ${share} TTL: nobody believes in a session for longer than its TTL`, {
    skip,
  }, async () => {
    await using server = await ConsulServer.open();
    await using store = await openStore(server.settings, STORE_OPTIONS);
    await using follower = new Follower(store, "/held/");
    await using session = await store.openSession({ ttlMs: TTL_MS, signal });
    assert.equal(session.ttlMs, TTL_MS);
    await write(store, [put("/held/a", "mine", session.id)], signal);
    await follower.until(() => follower.state.has("/held/a"), "what is held");
    server.pause();
    assert.ok(session.validForMs() <= TTL_MS);
    await sleep(share * TTL_MS);
    // All that was answered was sent before it stood still.
    if (share >= 1) assert.deepEqual([session.validForMs(), session.lost.aborted], [0, true]);
    server.resume();
    if (share < 1) {
      const entry = await store.get("/held/a", { signal });
      assert.ok(session.validForMs() === 0 || entry?.session === session.id, "who believes in it has it");
      return;
    }
    await follower.until(() => !follower.state.has("/held/a"), "the end of the session");
    await assert.rejects(write(store, [put("/held/a", "mine", session.id)], signal), withCode("SESSION_LOST"));
    await using next = await store.openSession({ ttlMs: TTL_MS, signal });
    await write(store, [put("/held/a", "other", next.id)], signal);
    assert.equal((await read(store, "/held/a", signal)).session, next.id);
    assert.ok(follower.count("lost") <= 1);
  });
}
