import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { openRig, type SharedConfigRig } from "../../../test/support/shared-config-rig.ts";
import type { ConfigNews } from "./config-watch.ts";

const { signal } = new AbortController();

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function follow({ config }: SharedConfigRig, stop: AbortController, told: string[]): Promise<void> {
  for await (const news of config.watch({ signal: stop.signal })) told.push(wordsOf(news));
}

function wordsOf(news: ConfigNews): string {
  if (news.kind === "version") return `${news.version.version} ${news.version.text}`;
  return news.kind === "bad" ? `bad ${news.version}` : news.kind;
}

test("who follows is told the newest good version, bad ones, and when the store is away", async () => {
  const store = new FakeStore();
  const rig = openRig({ check: (text) => (text.includes("bad") ? ["it is bad"] : []) }, store);
  const publisher = openRig({}, store).config;
  const stop = new AbortController();
  const told: string[] = [];
  const following = follow(rig, stop, told);
  await settle();
  await publisher.publish("one", { signal });
  await settle();
  await publisher.publish("bad", { signal });
  await settle();
  await publisher.rollback(1, { signal });
  await settle();
  store.setAway("STORE_UNREACHABLE");
  await settle();
  store.setAway(undefined);
  await settle();
  store.delete("/t/config/current");
  await settle();
  assert.deepEqual(told, ["none", "1 one", "bad 2", "1 one", "lost", "found", "none"]);
  stop.abort();
  await following;
});

test("who follows and is slow is told the newest, and not each on the way", async () => {
  const rig = openRig();
  const stop = new AbortController();
  const told: string[] = [];
  const watching = rig.config.watch({ signal: stop.signal })[Symbol.asyncIterator]();
  told.push(wordsOf((await watching.next()).value));
  for (const text of ["one", "two", "three"]) await rig.config.publish(text, { signal });
  told.push(wordsOf((await watching.next()).value));
  assert.deepEqual(told, ["none", "3 three"]);
  await rig.config.rollback(1, { signal });
  assert.equal(wordsOf((await watching.next()).value), "1 one");
  stop.abort();
  assert.equal((await watching.next()).done, true);
});

test("what cannot be read while the store is away is read when it is back", async () => {
  const rig = openRig();
  const { store, clock } = rig;
  const stop = new AbortController();
  const told: string[] = [];
  await openRig({}, store).config.publish("one", { signal });
  const get = store.get.bind(store);
  let failing = 0;
  store.get = (key, options) => (key.includes("/v/") && failing++ < 3 ? store.failed() : get(key, options));
  const following = follow(rig, stop, told);
  for (let i = 0; i < 4; i++) {
    await settle();
    clock.advance(10_000);
  }
  await settle();
  assert.deepEqual([told, failing], [["1 one"], 4]);
  stop.abort();
  await following;
});

test("what the store refuses to have read is told, and read when it does not any more", async () => {
  const rig = openRig();
  const { store, clock } = rig;
  const stop = new AbortController();
  const told: string[] = [];
  await openRig({}, store).config.publish("one", { signal });
  const get = store.get.bind(store);
  let failing = 0;
  store.get = (key, options) =>
    key.includes("/v/") && failing++ < 3 ? store.failed("STORE_REFUSED") : get(key, options);
  const following = follow(rig, stop, told);
  for (let i = 0; i < 4; i++) {
    await settle();
    clock.advance(10_000);
  }
  await settle();
  assert.deepEqual([told, failing], [["bad undefined", "1 one"], 4]);
  stop.abort();
  await following;
});

test("whoever follows no more is told nothing, also while the store is asked again and again", async () => {
  const rig = openRig();
  await openRig({}, rig.store).config.publish("one", { signal });
  const get = rig.store.get.bind(rig.store);
  rig.store.get = (key, options) => (key.includes("/v/") ? rig.store.failed() : get(key, options));
  const stop = new AbortController();
  const told: string[] = [];
  const following = follow(rig, stop, told);
  await settle();
  assert.equal(rig.clock.pending, 1);
  stop.abort();
  await following; // and throws nothing
  assert.deepEqual([told, rig.clock.pending], [[], 0]);
});

test("a check that fails is told of the version that it failed at, and does not end what follows", async () => {
  const check = (text: string): string[] => {
    if (text === "two") throw new Error("the checker is broken");
    return [];
  };
  const rig = openRig({ check });
  const publisher = openRig({}, rig.store).config;
  const stop = new AbortController();
  const told: string[] = [];
  const following = follow(rig, stop, told);
  for (const text of ["one", "two", "three"]) {
    await settle();
    await publisher.publish(text, { signal });
  }
  await settle();
  assert.deepEqual(told, ["none", "1 one", "bad 2", "3 three"]);
  stop.abort();
  await following;
});

test("a subscriber is handed one at a time, what it throws is told, and it ends when it is disposed", async () => {
  const { config } = openRig();
  const told: string[] = [];
  const failures: unknown[] = [];
  const subscription = config.subscribe({
    handle: async (news) => {
      told.push(wordsOf(news));
      if (news.kind === "none") throw new Error("not yet");
    },
    failed: (error) => failures.push(error),
  });
  await settle();
  await config.publish("one", { signal });
  await settle();
  await subscription[Symbol.asyncDispose]();
  await config.publish("two", { signal });
  await settle();
  assert.deepEqual(told, ["none", "1 one"]);
  assert.equal(failures.length, 1);
});
