import assert from "node:assert/strict";
import { test } from "node:test";
import { createTraceState, ROOT_CONTEXT, SpanKind, trace, TraceFlags } from "@opentelemetry/api";
import { createComposableProbabilitySampler, createCompositeSampler } from "@opentelemetry/sampler-composite";
import * as fc from "fast-check";
import { type Random, seededRandom } from "../../src/core/random.ts";
import { reaches } from "../../src/data/sample/verdict.ts";
import { HexReader, probabilityOf, thresholdOf } from "../../src/otlp/threshold.ts";
import { decodeRequest, encodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { list } from "../support/oracle/walk.ts";
import { otOf } from "./model.ts";
import { SamplingRig } from "./sampling-rig.ts";

function traceIds(count: number, random: Random): Buffer[] {
  return Array.from({ length: count }, () =>
    Buffer.from(Array.from({ length: 16 }, () => Math.floor(random.next() * 256))),
  );
}

function requestOf(ids: readonly Buffer[], stateOf: (i: number) => string = () => ""): Uint8Array {
  const spans = ids.map((traceId, i) => ({
    traceId,
    name: `n${i}`,
    ...(stateOf(i) !== "" && { traceState: stateOf(i) }),
  }));
  return encodeRequest("traces", { resourceSpans: [{ scopeSpans: [{ spans }] }] });
}

/** Its place in the request. */
function numberOf(span: Plain): number {
  return Number(String(span["name"]).slice(1));
}

function spansIn(bytes: Uint8Array | undefined): Plain[] {
  if (bytes === undefined) return [];
  return list(decodeRequest("traces", bytes)["resourceSpans"]).flatMap((resource) =>
    list(resource["scopeSpans"]).flatMap((scope) => list(scope["spans"])),
  );
}

/** 1 / probability, as the mark of a span has it. */
function adjustedCount(span: Plain): number {
  const th = otOf(String(span["traceState"] ?? "")).members.find((member) => member.startsWith("th:"));
  if (th === undefined) return 1;
  const reader = new HexReader();
  assert.ok(reader.readThreshold(Buffer.from(th), 3, th.length));
  return 1 / probabilityOf(reader.hi, reader.lo);
}

const SPANS = 40_000;

for (const rate of [0.5, 0.1, 0.02]) {
  test(`sampling: at ${rate} each part of the trace ids is kept alike, and adjusted counts add up to what was received`, () => {
    const ids = traceIds(SPANS, seededRandom(Math.round(rate * 1_000)));
    const kept = spansIn(new SamplingRig("traces", `{ sampling_rate: ${rate} }`).sample(requestOf(ids)).bytes);
    // By the first byte, which has no part in it: as many degrees of freedom as parts, less one.
    const parts = Array.from({ length: 16 }, () => 0);
    const received = Array.from({ length: 16 }, () => 0);
    for (const id of ids) received[id[0]! >> 4]!++;
    for (const span of kept) parts[ids[numberOf(span)]![0]! >> 4]! += adjustedCount(span);
    let chi = 0;
    for (const [i, count] of parts.entries()) chi += (count - received[i]!) ** 2 / (received[i]! * (1 / rate - 1));
    assert.ok(chi < 37.7, `chi-square ${chi}`); // one in a thousand is above it
    const total = parts.reduce((sum, count) => sum + count, 0);
    const deviation = Math.sqrt(SPANS * (1 / rate - 1));
    assert.ok(Math.abs(total - SPANS) < 4 * deviation, `${total} of ${SPANS}`);
  });
}

test("sampling: spans that come thinner than asked for keep their counts, the others get one, and the sum stays", () => {
  const random = seededRandom(7);
  const ids = traceIds(SPANS, random);
  const at = (rate: number): SamplingRig => new SamplingRig("traces", `{ sampling_rate: ${rate} }`);
  // The first half is thinned to 5 % before; both halves stand for what was received at first.
  const [early, late] = [ids.slice(0, SPANS / 2), ids.slice(SPANS / 2)];
  const thinned = spansIn(at(0.05).sample(requestOf(early)).bytes);
  const stateOf = thinned.map((span) => String(span["traceState"]));
  const mixed = requestOf([...thinned.map((span) => early[numberOf(span)]!), ...late], (i) => stateOf[i] ?? "");
  const kept = spansIn(at(0.2).sample(mixed).bytes);
  assert.ok(
    kept.filter((span) => numberOf(span) < thinned.length).length === thinned.length,
    "all of the thinner half",
  );
  const total = kept.reduce((sum, span) => sum + adjustedCount(span), 0);
  const deviation = Math.sqrt((SPANS / 2) * (1 / 0.05 - 1) + (SPANS / 2) * (1 / 0.2 - 1));
  assert.ok(Math.abs(total - SPANS) < 4 * deviation, `${total} of ${SPANS}`);
});

const ALL = 1n << 56n;

/** What the Collector's probabilisticsampler asks for of a span that came with this threshold. */
function collectorThreshold(mode: "equalizing" | "proportional", part: bigint, arrived: bigint): bigint {
  if (mode === "proportional") return ALL - (ALL - arrived) / part;
  const own = ALL - ALL / part;
  return own > arrived ? own : arrived;
}

test("sampling: after the Collector has sampled, once or twice, by its rules, what the higher threshold keeps is kept, and counts add up", () => {
  const own = 0.25;
  const wanted = BigInt(`0x${thresholdOf(own).text.padEnd(14, "0")}`);
  const ids = traceIds(4_000, seededRandom(11));
  const arrived = ids.map((id, i) => {
    const first = collectorThreshold(i % 2 === 0 ? "equalizing" : "proportional", [1n, 2n, 8n][i % 3]!, 0n);
    const second = collectorThreshold(i % 4 < 2 ? "equalizing" : "proportional", i % 5 === 0 ? 4n : 1n, first);
    const randomness = BigInt(`0x${id.toString("hex", 9)}`);
    return { id, randomness, threshold: second, comes: randomness >= second };
  });
  const sent = arrived.filter(({ comes }) => comes);
  const textOf = (threshold: bigint): string => threshold.toString(16).padStart(14, "0").replace(/0+$/u, "") || "0";
  const request = requestOf(
    sent.map(({ id }) => id),
    (i) => `ot=th:${textOf(sent[i]!.threshold)}`,
  );
  const kept = spansIn(new SamplingRig("traces", `{ sampling_rate: ${own} }`).sample(request).bytes);
  const higher = (threshold: bigint): bigint => (threshold > wanted ? threshold : wanted);
  assert.deepEqual(
    kept.map((span) => [numberOf(span), String(span["traceState"])]),
    sent.flatMap(({ randomness, threshold }, i) =>
      randomness >= higher(threshold) ? [[i, `ot=th:${textOf(higher(threshold))}`]] : [],
    ),
  );
  const total = kept.reduce((sum, span) => sum + adjustedCount(span), 0);
  const variance = arrived.reduce((sum, { threshold }) => sum + Number(ALL) / Number(ALL - higher(threshold)) - 1, 0);
  assert.ok(Math.abs(total - ids.length) < 4 * Math.sqrt(variance), `${total} of ${ids.length}`);
});

test("sampling: a hashed randomness is as even as a random id, where ids are counted up", () => {
  const ids = Array.from({ length: SPANS }, (_, i) => {
    const id = Buffer.alloc(16);
    id.writeUInt32BE(i + 1, 0);
    return id;
  });
  const rig = new SamplingRig("traces", "{ sampling: { randomness: hash }, sampling_rate: 0.1 }");
  const kept = spansIn(rig.sample(requestOf(ids)).bytes);
  assert.ok(Math.abs(kept.length - 4_000) < 4 * Math.sqrt(SPANS * 0.1 * 0.9), String(kept.length));
  for (const span of kept) assert.match(String(span["traceState"]), /^ot=th:e666;rv:[0-9a-f]{14}$/u);
  // Who reads that rv, decides as this one did.
  const again = new SamplingRig("traces", "{ sampling_rate: 0.1 }").sample(
    requestOf(
      kept.map((span) => ids[numberOf(span)]!),
      (i) => String(kept[i]!["traceState"]),
    ),
  );
  assert.equal(spansIn(again.bytes).length, kept.length);
});

test("sampling: thresholds and decisions are those of OpenTelemetry's own sampler", () => {
  const rate = fc.double({ min: 1e-9, max: 1, noNaN: true });
  const id = fc.stringMatching(/^[0-9a-f]{31}[1-9a-f]$/u);
  const rv = fc.option(fc.stringMatching(/^[0-9a-f]{14}$/u), { nil: undefined });
  fc.assert(
    fc.property(rate, id, rv, (p, traceId, random) => {
      const parent = { traceId, spanId: "1".repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: true };
      const traceState = random === undefined ? undefined : createTraceState(`ot=rv:${random}`);
      const context = trace.setSpanContext(ROOT_CONTEXT, { ...parent, ...(traceState && { traceState }) });
      const sampler = createCompositeSampler(createComposableProbabilitySampler(p));
      const theirs = sampler.shouldSample(context, traceId, "n", SpanKind.SERVER, {}, []);
      const ours = thresholdOf(p, 14);
      const reader = new HexReader();
      assert.ok(reader.readRandomness(Buffer.from(random ?? traceId.slice(18)), 0, 14));
      const kept = reaches(reader.hi, reader.lo, ours.hi, ours.lo);
      assert.equal(theirs.decision, kept ? 2 : 0);
      const told = otOf(`ot=${theirs.traceState?.get("ot") ?? ""}`).members.find((one) => one.startsWith("th:"));
      if (kept) assert.equal(told, `th:${ours.text}`);
    }),
  );
});
