import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry, createSharedConfig, type MembersSeen, openStore } from "../../../src/index.ts";
import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { settingsOf } from "./etcd-fixture.ts";

const skip = findProgram("etcd") === undefined ? absenceOf("etcd") : false;
const { signal } = new AbortController();
const INFO = { id: "a", name: "n", address: "x:1", region: "eu", capacity: 1, version: "1", metadata: {} };

async function until(seen: AsyncIterator<MembersSeen>, isSo: (one: MembersSeen) => boolean): Promise<MembersSeen> {
  for (;;) {
    const { value, done } = await seen.next();
    assert.ok(done !== true);
    if (isSo(value)) return value;
  }
}

test("who is cut off for longer than its lease is gone for others, is listed again, and hears the news", {
  skip,
}, async () => {
  await using server = await EtcdServer.open();
  await using proxy = await FaultProxy.open(server.only.port);
  await using mine = await openStore(settingsOf([`http://127.0.0.1:${proxy.port}`]), { prefix: "/out" });
  await using theirs = await openStore(settingsOf(server.endpoints), { prefix: "/out" });
  const registry = createRegistry(mine);
  await using member = await registry.register(INFO, { signal, ttlMs: 3_000, health: { state: "healthy" } });
  const stop = new AbortController();
  const seen = createRegistry(theirs).watch({ signal: stop.signal })[Symbol.asyncIterator]();
  const news = createSharedConfig(mine).watch({ signal: stop.signal })[Symbol.asyncIterator]();
  assert.equal((await news.next()).value?.kind, "none");
  const first = (await until(seen, ({ members }) => members.length === 1)).members[0]!;

  proxy.mode = "hold";
  await until(seen, ({ members }) => members.length === 0);
  assert.equal(member.isListed, false, "it knew before others did");
  const published = await createSharedConfig(theirs).publish("a: 1\n", { signal });
  assert.equal(published.kind, "published");
  const told = member.heartbeat({ state: "unhealthy", reason: "cut off" }, { signal });
  proxy.mode = "pass";

  const again = (await until(seen, ({ members }) => members[0]?.health.state === "unhealthy")).members[0]!;
  await told;
  assert.ok(again.created > first.created);
  assert.notEqual(again.session, first.session);
  assert.equal(again.registeredAtMs, first.registeredAtMs);
  for (;;) {
    const { value } = await news.next();
    if (value?.kind === "version") {
      assert.equal(value.version.text, "a: 1\n");
      break;
    }
    assert.ok(value?.kind === "lost" || value?.kind === "found", JSON.stringify(value));
  }
  stop.abort();
});
