import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createMetrics } from "../../telemetry/metrics.ts";
import { type KnownResource, ResourceCache } from "./resource-cache.ts";

const requests = createMetrics().requests;

function known(service: string): KnownResource {
  return { program: { service, steps: [], keys: undefined, whole: true }, requests: requests.with("here", service) };
}

/** Asks as the router does: what is not known is kept. */
function ask(cache: ResourceCache, key: string): string {
  const found = cache.find(key);
  if (found === undefined) cache.keep(key, known(key));
  return (found ?? known(key)).program.service;
}

test("what was kept is found, and counted as a hit; all else as a miss", () => {
  const cache = new ResourceCache();
  cache.keep("a", known("a"));
  assert.equal(cache.find("a")?.program.service, "a");
  assert.equal(cache.find("b"), undefined);
  assert.deepEqual([cache.hits, cache.misses, cache.size], [1, 1, 1]);
});

test("whatever is asked for: answers are right, the bound holds, and what was asked for lately is still known", () => {
  const maxEntries = 4;
  const keys = fc.array(fc.integer({ min: 0, max: 12 }).map(String), { maxLength: 100 });
  fc.assert(
    fc.property(keys, (asked) => {
      const cache = new ResourceCache({ maxEntries, maxKeyBytes: 1_000 });
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
  const maxKeyBytes = 100;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 60 }), (lengths) => {
      const cache = new ResourceCache({ maxEntries: 1_000, maxKeyBytes });
      const keys = lengths.map((length, i) => String.fromCharCode(256 + i).repeat(length));
      for (const key of keys) ask(cache, key);
      const held = keys.filter((key) => cache.find(key) !== undefined);
      assert.ok(held.reduce((sum, key) => sum + key.length, 0) <= 2 * maxKeyBytes);
    }),
  );
});

test("a key that is longer than all keys may be together is not kept, and makes nothing be forgotten", () => {
  const cache = new ResourceCache({ maxEntries: 10, maxKeyBytes: 100 });
  for (const key of ["a", "b"]) ask(cache, key);
  for (let i = 0; i < 3; i++) ask(cache, `${i}`.repeat(101));
  assert.equal(cache.size, 2);
  for (const key of ["a", "b"]) assert.notEqual(cache.find(key), undefined);
});
