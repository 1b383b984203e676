import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openStore } from "../../../src/store/open-store.ts";
import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { put, read, withCode, write } from "../contract/calls.ts";
import { Follower } from "../contract/follower.ts";
import { settingsOf, STORE_OPTIONS } from "./etcd-fixture.ts";

/** An etcd that stands still (SIGSTOP), for half of a session's TTL, all of it, and twice that. */

const skip = findProgram("etcd") === undefined ? absenceOf("etcd") : false;
const { signal } = new AbortController();
const TTL_MS = 3_000;

describe("etcd stands still", { skip, concurrency: true }, () => {
  for (const share of [0.5, 1, 2]) {
    test(`for ${share} TTL: nobody believes in a session for longer than its TTL`, async () => {
      await using server = await EtcdServer.open();
      await using store = await openStore(settingsOf(server.endpoints), STORE_OPTIONS);
      await using follower = new Follower(store, "/held/");
      await using session = await store.openSession({ ttlMs: TTL_MS, signal });
      assert.equal(session.ttlMs, TTL_MS);
      await write(store, [put("/held/a", "mine", session.id)], signal);
      await follower.until(() => follower.state.has("/held/a"), "what is held");
      server.only.pause();
      assert.ok(session.validForMs() <= TTL_MS);
      await sleep(share * TTL_MS);
      // All that was answered was sent before it stood still.
      if (share >= 1) assert.deepEqual([session.validForMs(), session.lost.aborted], [0, true]);
      server.only.resume();
      if (share < 1) {
        const entry = await store.get("/held/a", { signal });
        assert.ok(session.validForMs() === 0 || entry?.session === session.id, "who believes in it has it");
        return;
      }
      await follower.until(() => !follower.state.has("/held/a"), "the end of the lease");
      await assert.rejects(write(store, [put("/held/a", "mine", session.id)], signal), withCode("SESSION_LOST"));
      await using next = await store.openSession({ ttlMs: TTL_MS, signal });
      await write(store, [put("/held/a", "other", next.id)], signal);
      assert.equal((await read(store, "/held/a", signal)).session, next.id);
    });
  }
});
