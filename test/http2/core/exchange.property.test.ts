import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEFAULT_LIMITS } from "../../../src/http2/own/contract.ts";
import { type Exchange, ExchangeRig, type Plan } from "./exchange-rig.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 100);

const bytes = fc.oneof(
  fc.integer({ min: 0, max: 50 }),
  fc.integer({ min: 0, max: 5_000 }),
  fc.constantFrom(16_384, 16_385, 65_535, 70_000, 200_000),
);
const pieces = fc.array(bytes, { maxLength: 4 });
const exchange: fc.Arbitrary<Exchange> = fc.record({
  request: pieces,
  indexed: fc.boolean(),
  requestTrailers: fc.boolean(),
  reply: fc.constantFrom("reply", "streamed", "head only", "early"),
  response: pieces,
  cancel: fc.constantFrom("no", "no", "no", "no", "client", "server"),
});
const limits = fc.record({
  maxConcurrentStreams: fc.integer({ min: 1, max: 8 }),
  initialWindowBytes: fc.constantFrom(16, 1_000, 5_000, 65_535, 100_000, 4_194_304),
  connectionWindowBytes: fc.constantFrom(65_535, 100_000, 16_777_216),
  maxFrameBytes: fc.constantFrom(16_384, 100_000),
  headerTableBytes: fc.constantFrom(0, 100, 4_096, 10_000),
});
const anyPlan: fc.Arbitrary<Plan> = fc.record({
  client: limits.map((own) => ({ ...DEFAULT_LIMITS, ...own })),
  server: limits.map((own) => ({ ...DEFAULT_LIMITS, ...own })),
  exchanges: fc.array(exchange, { minLength: 1, maxLength: 12 }),
  schedule: fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 40_000 })), { maxLength: 150 }),
});

/** Small windows are for small bodies: each round trip moves one window at most. */
const plan = anyPlan.map((generated): Plan => {
  const most = Math.min(generated.client.initialWindowBytes, generated.server.initialWindowBytes) * 100;
  const clip = (sizes: readonly number[]): number[] => sizes.map((size) => Math.min(size, most));
  const exchanges = generated.exchanges.map((one) => ({
    ...one,
    request: clip(one.request),
    response: clip(one.response),
  }));
  return { ...generated, exchanges };
});

test("every exchange gives what was sent, whatever the windows, splits and order; nothing is left over", () => {
  fc.assert(
    fc.property(plan, (generated) => {
      const rig = new ExchangeRig(generated);
      for (const [action, size] of generated.schedule) rig.step(action, size);
      rig.finish();
      rig.check();
    }),
    { numRuns: RUNS },
  );
});

test("windows are full again after many exchanges: nothing leaks, neither credit nor streams", () => {
  const small = {
    ...DEFAULT_LIMITS,
    initialWindowBytes: 65_535,
    connectionWindowBytes: 65_535,
    maxConcurrentStreams: 4,
  };
  const exchanges: Exchange[] = Array.from({ length: 400 }, (_, i) => ({
    request: [i * 10, 3_000],
    indexed: i % 2 === 0,
    requestTrailers: i % 5 === 0,
    reply: (["reply", "streamed", "head only", "early"] as const)[i % 4]!,
    response: [2_000, i * 3],
    cancel: (["no", "no", "client", "no", "server"] as const)[i % 5]!,
  }));
  const rig = new ExchangeRig({ client: small, server: small, exchanges, schedule: [] });
  rig.finish();
  rig.check();
  for (const side of ["client", "server"] as const) assert.ok(rig.watch.connectionWindow(side) > 32_767);
});
