import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createMetrics } from "../../telemetry/metrics.ts";
import { type KnownResource, type ProgramMaker, ResourceCache } from "./resource-cache.ts";

const requests = createMetrics().requests;

function known(service: string): KnownResource {
  return {
    program: { service, first: undefined, keys: undefined, whole: true },
    requests: requests.with("here", service),
  };
}

/** Makes programs that hold so much each; what was taken over is counted again. */
class Maker implements ProgramMaker {
  bytes = 0;
  readonly #each: number;

  constructor(each = 0) {
    this.#each = each;
  }

  forget(): void {
    this.bytes = 0;
  }

  adopt(): void {
    this.bytes += this.#each;
  }
}

/** What an entry takes beside its key and its program. */
const ENTRY = 400;

/** Asks as the router does: what is not known is kept. */
function ask(cache: ResourceCache, key: string): string {
  const found = cache.find("here", key);
  if (found === undefined) cache.keep("here", key, known(key));
  return (found ?? known(key)).program.service;
}

test("what was kept is found, and counted as a hit; all else as a miss", () => {
  const cache = new ResourceCache(new Maker());
  cache.keep("here", "a", known("a"));
  assert.equal(cache.find("here", "a")?.program.service, "a");
  assert.equal(cache.find("here", "b"), undefined);
  assert.deepEqual([cache.hits, cache.misses, cache.size], [1, 1, 1]);
});

test("whatever is asked for: answers are right, the bound holds, and what was asked for lately is still known", () => {
  const maxEntries = 4;
  const keys = fc.array(fc.integer({ min: 0, max: 12 }).map(String), { maxLength: 100 });
  fc.assert(
    fc.property(keys, (asked) => {
      const cache = new ResourceCache(new Maker(), { maxEntries, maxBytes: 1_000_000 });
      const lately: string[] = [];
      for (const key of asked) {
        const { hits } = cache;
        assert.equal(ask(cache, key), key);
        assert.ok(cache.size <= 2 * maxEntries);
        if (lately.includes(key)) assert.equal(cache.hits, hits + 1, `${key} was forgotten`);
        lately.splice(0, lately.length, key, ...lately.filter((other) => other !== key).slice(0, maxEntries - 1));
      }
      assert.equal(cache.hits + cache.misses, asked.length);
    }),
  );
});

test("long keys: no more than twice the bytes are held, however few they are", () => {
  const maxBytes = 10 * ENTRY;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 * ENTRY }), { maxLength: 60 }), (lengths) => {
      const cache = new ResourceCache(new Maker(), { maxEntries: 1_000, maxBytes });
      const keys = lengths.map((length, i) => String.fromCharCode(256 + i).repeat(length));
      for (const key of keys) ask(cache, key);
      assert.ok(cache.bytes <= 2 * maxBytes);
      const held = keys.filter((key) => cache.find("here", key) !== undefined);
      assert.ok(held.reduce((sum, key) => sum + key.length + ENTRY, 0) <= 2 * maxBytes);
    }),
  );
});

test("programs count for what they hold, also when they are taken over", () => {
  const maker = new Maker(1_000);
  const cache = new ResourceCache(maker, { maxEntries: 1_000, maxBytes: 10_000 });
  for (let i = 0; i < 100; i++) {
    const key = String(i);
    if (cache.find("here", key) === undefined) {
      maker.bytes += 1_000;
      cache.keep("here", key, known(key));
    }
    cache.find("here", "0");
    assert.ok(cache.bytes <= 21_000 + ENTRY, String(cache.bytes));
  }
  assert.ok(cache.size >= 7 && cache.size <= 15, String(cache.size));
  assert.ok(cache.evicted > 80, String(cache.evicted));
  assert.notEqual(cache.find("here", "0"), undefined);
});

test("a key that is longer than all keys may be together is not kept, and makes nothing be forgotten", () => {
  const cache = new ResourceCache(new Maker(), { maxEntries: 10, maxBytes: 2_000 });
  for (const key of ["a", "b"]) ask(cache, key);
  for (let i = 0; i < 3; i++) ask(cache, `${i}`.repeat(2_001));
  assert.equal(cache.size, 2);
  for (const key of ["a", "b"]) assert.notEqual(cache.find("here", key), undefined);
});

test("regions have entries of their own, and one bound together", () => {
  const cache = new ResourceCache(new Maker(), { maxEntries: 4, maxBytes: 1_000_000 });
  for (let i = 0; i < 100; i++) cache.keep(`region ${i}`, "a", known(`${i}`));
  assert.ok(cache.size <= 8);
  assert.equal(cache.find("region 99", "a")?.program.service, "99");
  assert.equal(cache.find("region 1", "a"), undefined);
});
