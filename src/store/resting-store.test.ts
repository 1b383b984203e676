import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../test/support/fake-store.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { RouterError } from "../core/errors.ts";
import { openRestingStore, REST_AFTER_MS } from "./resting-store.ts";
import type { Store } from "./store.ts";

const { signal } = new AbortController();

/** Counts what is open at its moment. */
class Scene {
  readonly clock = new ManualClock();
  readonly opened: CountedStore[] = [];
  fails = false;

  readonly open = async (): Promise<Store> => {
    if (this.fails) throw new RouterError("STORE_REFUSED", "the test refuses it");
    const store = new CountedStore();
    this.opened.push(store);
    return store;
  };

  get isOpen(): boolean[] {
    return this.opened.map(({ isClosed }) => !isClosed);
  }

  /** Time passes, and what it wakes comes to its end. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}

class CountedStore extends FakeStore {
  isClosed = false;

  override async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    await super[Symbol.asyncDispose]();
  }
}

test("it is closed when nothing has used it for a second, and opened again by the next call", async () => {
  const scene = new Scene();
  await using store = await openRestingStore(scene);
  await store.get("/a", { signal });
  await scene.pass(REST_AFTER_MS - 1);
  await store.list("/", { signal });
  await scene.pass(REST_AFTER_MS - 1);
  assert.deepEqual(scene.isOpen, [true]);
  await scene.pass(1);
  assert.deepEqual(scene.isOpen, [false]);
  assert.equal(scene.clock.pending, 0);
  await Promise.all([store.check({ signal }), store.txn({ if: [], then: [] }, { signal })]);
  assert.deepEqual(scene.isOpen, [false, true]);
});

test("a session and a watch keep it open, a call that failed does not", async () => {
  const scene = new Scene();
  await using store = await openRestingStore(scene);
  const session = await store.openSession({ signal });
  const ended = new AbortController();
  const watch = store.watch("/", { signal: ended.signal })[Symbol.asyncIterator]();
  await watch.next();
  await scene.pass(10 * REST_AFTER_MS);
  await session.close();
  await scene.pass(10 * REST_AFTER_MS);
  assert.deepEqual(scene.isOpen, [true]);
  ended.abort();
  while ((await watch.next()).done !== true);
  scene.opened[0]?.setAway("STORE_UNREACHABLE");
  await assert.rejects(store.get("/a", { signal }), { code: "STORE_UNREACHABLE" });
  await assert.rejects(store.openSession({ signal }), { code: "STORE_UNREACHABLE" });
  await scene.pass(REST_AFTER_MS);
  assert.deepEqual(scene.isOpen, [false]);
});

test("what cannot be opened fails the call, and is tried again by the next; once closed it opens nothing", async () => {
  const scene = new Scene();
  const store = await openRestingStore(scene);
  await store.get("/a", { signal });
  await scene.pass(REST_AFTER_MS);
  scene.fails = true;
  await assert.rejects(store.get("/a", { signal }), { code: "STORE_REFUSED" });
  scene.fails = false;
  await store.get("/a", { signal });
  assert.deepEqual(scene.isOpen, [false, true]);
  await store[Symbol.asyncDispose]();
  assert.deepEqual(scene.isOpen, [false, false]);
  await assert.rejects(store.get("/a", { signal }), { code: "SHUTDOWN" });
  assert.equal(scene.clock.pending, 0);
});
