import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createMetrics } from "../../telemetry/metrics.ts";
import { RecentResources, type ResourcePlace } from "./recent-resources.ts";
import type { KnownResource } from "./resource-cache.ts";

const requests = createMetrics().requests;

function known(service: string): KnownResource {
  return {
    program: { service, first: undefined, keys: undefined, whole: true },
    requests: requests.with("here", service),
  };
}

/** Around it are other bytes, at another place each time. */
function placed(key: readonly number[], before: number): Buffer {
  return Buffer.from([...Array.from({ length: before }, (_, i) => i), ...key, 7, 7, 7]);
}

const anyAsk = fc.record({
  key: fc.oneof(
    fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 9 }),
    fc.constantFrom(1_020, 1_024, 1_025).map((length) => Array.from({ length }, () => 1)),
  ),
  before: fc.nat(9),
  region: fc.constantFrom("here", "there"),
  answers: fc.constantFrom("", "yes"),
  forgets: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

test("what is found is what was kept of the same bytes, region and answers, in the same generation", () => {
  fc.assert(
    fc.property(fc.array(anyAsk, { maxLength: 200 }), (asks) => {
      const cache = { generation: 0 };
      const recent = new RecentResources(cache);
      const kept = new Map<string, KnownResource>();
      const places = new Map<string, ResourcePlace>();
      for (const { key, before, region, answers, forgets } of asks) {
        if (forgets) {
          cache.generation++;
          kept.clear();
        }
        const bytes = placed(key, before);
        const name = `${region} ${answers} ${key.join()}`;
        const place = places.get(name);
        if (place !== undefined) {
          const there = recent.at(place, region, answers);
          if (there !== undefined) assert.equal(there, kept.get(name));
          assert.equal(recent.at(place, region === "here" ? "there" : "here", answers), undefined);
          assert.equal(new RecentResources(cache).at(place, region, answers), undefined);
        }
        const found = recent.find(bytes, before, before + key.length, region, answers);
        if (found !== undefined) assert.equal(found, kept.get(name));
        else {
          const fresh = kept.get(name) ?? known(name);
          kept.set(name, fresh);
          recent.keep(fresh, region, answers);
        }
        const now = recent.place;
        if (key.length > 1_024) assert.equal(now, undefined);
        else assert.equal(recent.at(now!, region, answers), kept.get(name));
        if (now !== undefined) places.set(name, now);
      }
    }),
  );
});

test("what comes again is found where it is, unless it is too long", () => {
  const recent = new RecentResources({ generation: 0 });
  const found = [0, 1, 400, 1_024, 1_025].map((length) => {
    const bytes = Buffer.alloc(length + 5, 3);
    const its = known(String(length));
    assert.equal(recent.find(bytes, 5, bytes.length, "here", ""), undefined);
    recent.keep(its, "here", "");
    return recent.find(new Uint8Array(bytes.subarray(2)), 3, length + 3, "here", "") === its;
  });
  assert.deepEqual(found, [true, true, true, true, false]);
});

test("one that comes again and again is not put out by others that come once", () => {
  const recent = new RecentResources({ generation: 0 });
  const often = Buffer.from("often");
  const its = known("often");
  let missed = 0;
  for (let i = 0; i < 10_000; i++) {
    if (recent.find(often, 0, often.length, "here", "") === undefined) {
      missed++;
      recent.keep(its, "here", "");
    }
    const once = Buffer.from(`once ${i}`);
    recent.find(once, 0, once.length, "here", "");
    recent.keep(known("once"), "here", "");
  }
  assert.equal(missed, 1);
});

test("of a few hundred that come in turn nearly all are found each time", () => {
  const recent = new RecentResources({ generation: 0 });
  const all = Array.from({ length: 300 }, (_, i) => Buffer.from(`service.instance.id pod-${i * 7_919}`));
  let missed = 0;
  for (let round = 0; round < 5; round++) {
    for (const bytes of all) {
      if (recent.find(bytes, 0, bytes.length, "here", "") !== undefined) continue;
      if (round > 2) missed++;
      recent.keep(known("any"), "here", "");
    }
  }
  assert.ok(missed < 60, `${missed} of 600`);
});

test("what comes for the second time came before, and what is too long to be told may have", () => {
  const recent = new RecentResources({ generation: 0 });
  const came = ["a", "b", "a", "b", "c".repeat(1_025)].map((text) => {
    recent.find(Buffer.from(text), 0, text.length, "here", "");
    return recent.cameBefore();
  });
  assert.deepEqual(came, [false, false, true, true, true]);
});

test("all of a thousand that come in turn are told to have come before, sooner or later", () => {
  const recent = new RecentResources({ generation: 0 });
  const came = new Set<number>();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1_000; i++) {
      const bytes = Buffer.from(`service.instance.id pod-${i * 7_919}`);
      recent.find(bytes, 0, bytes.length, "here", "");
      if (recent.cameBefore()) came.add(i);
    }
  }
  assert.equal(came.size, 1_000);
});

test("of more than there is room for some came before, in whatever order they come", () => {
  const recent = new RecentResources({ generation: 0 });
  let before = 0;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 12_000; i++) {
      const bytes = Buffer.from(`service.instance.id pod-${i * 7_919}`);
      recent.find(bytes, 0, bytes.length, "here", "");
      if (recent.cameBefore()) before++;
    }
  }
  assert.ok(before > 6_000, `${before} of 24,000`);
});
