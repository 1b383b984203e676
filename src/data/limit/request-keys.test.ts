import assert from "node:assert/strict";
import { test } from "node:test";
import { requestOf } from "../../../test/support/items.ts";
import { collectAll } from "../../core/collect.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";
import type { KeyBucket } from "./key-bucket.ts";
import { KeyBuckets } from "./key-buckets.ts";
import { RequestKeys } from "./request-keys.ts";

const LIMITS: LimitsData = {
  total: { perSecond: 100, burst: 100 },
  key: { from: "service" },
  perKey: 10,
  keys: [],
  mixed: "refuse",
};

class Rig {
  readonly buckets: KeyBuckets;
  readonly #keys: RequestKeys;
  readonly #envelope = new Envelope();

  constructor(mostKeys?: number) {
    this.buckets = new KeyBuckets(LIMITS, mostKeys);
    this.#keys = new RequestKeys(LIMITS.key, this.buckets);
  }

  find(service: string, nowMs = 0): KeyBucket | undefined {
    assert.ok(scanEnvelope("traces", requestOf("traces", [{ name: "a", service }]), this.#envelope));
    this.#keys.begin(NO_HEADERS, nowMs);
    const found = this.#keys.find(this.#envelope, 0, nowMs);
    this.#envelope.release();
    return found;
  }
}

function heldBytes(): number {
  collectAll();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("keys: of large resources with long names nothing is held but how the names begin", () => {
  const rig = new Rig();
  const filler = "x".repeat(1_048_576);
  rig.find(filler);
  const before = heldBytes();
  for (let i = 0; i < 40; i++) rig.find(`${i} ${filler}`);
  assert.ok(heldBytes() - before < 10_485_760);
  assert.equal(rig.buckets.size, 41);
});

test("keys: a resource that is too large to be remembered has the same bucket each time, and a cut one as well", () => {
  const rig = new Rig();
  for (const service of ["cart", "x".repeat(5_000), "\u{1F600}".repeat(200), `a${"\u{1F600}".repeat(2_000)}`]) {
    assert.equal(rig.find(service), rig.find(service));
  }
  assert.equal(rig.buckets.size, 4);
});

test("keys: a bucket that is gone is not found any more by a resource that was known", () => {
  const rig = new Rig(1);
  const gone = rig.find("cart");
  assert.equal(rig.find("ship", 5_000)?.key, "ship", "cart was idle: it made room");
  const again = rig.find("cart", 10_000);
  assert.equal(again?.key, "cart");
  assert.notEqual(again, gone);
  assert.ok(rig.buckets.all.includes(again));
});
