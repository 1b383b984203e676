import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { test } from "node:test";
import * as fc from "fast-check";
import { seededRandom } from "../../src/core/random.ts";
import { SIGNALS } from "../../src/otlp/signal.ts";
import { arbitraryRequest } from "../support/oracle/arbitraries.ts";
import { toOtlpJson } from "../support/oracle/otlp-json.ts";
import type { SenderAnswer } from "../support/otlp-sender.ts";
import { arbitraryDamage } from "./broken-bytes.ts";
import { assertBadData, fuzzRuns, FuzzScene } from "./scene.ts";

for (const ack of ["delivered", "queued"] as const) {
  test(`fuzz JSON, ack ${ack}: a damaged text is refused, or what targets get of it is sound`, async () => {
    await using scene = await FuzzScene.open({ ack });
    const damages = fc.array(arbitraryDamage, { minLength: 1, maxLength: 3 });
    const texts = fc.constantFrom(...SIGNALS).chain((signal) =>
      fc.tuple(fc.constant(signal), arbitraryRequest(signal), fc.nat(), damages).map(([of, plain, seed, hurts]) => {
        const text: Buffer = Buffer.from(toOtlpJson(of, plain, seededRandom(seed)));
        return { signal: of, text: hurts.reduce((all, hurt) => hurt(all), text) };
      }),
    );
    await fc.assert(
      fc.asyncProperty(texts, async ({ signal, text }) => {
        assertAnswer(text, await scene.sender.send("json", signal, text));
      }),
      fuzzRuns(4),
    );
    assert.equal(scene.unreadable, 0);
    await scene.assertSound();
  });

  test(`fuzz JSON, ack ${ack}: any value, and the right names with any values, are refused or sound`, async () => {
    await using scene = await FuzzScene.open({ ack });
    const noise = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc.string(),
      arbitraryShape().map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...SIGNALS), noise, async (signal, text) => {
        assertAnswer(Buffer.from(text), await scene.sender.send("json", signal, Buffer.from(text)));
      }),
      fuzzRuns(8),
    );
    assert.equal(scene.unreadable, 0);
    await scene.assertSound();
  });
}

test("fuzz JSON: depth is refused before it costs anything, in every place that takes a value", async () => {
  await using scene = await FuzzScene.open();
  for (const depth of [10, 40, 60, 200, 10_000, 100_000]) {
    for (const value of [`${"[".repeat(depth)}${"]".repeat(depth)}`, "[".repeat(depth), nestedArrays(depth)]) {
      for (const text of [value, `{"resourceSpans":${value}}`, inAttribute(value)]) {
        assertAnswer(Buffer.from(text), await scene.sender.send("json", "traces", Buffer.from(text)));
      }
    }
  }
  assert.equal(scene.unreadable, 0);
  await scene.assertSound();
});

/**
 * Success is only for what is JSON; whether all of it was taken, the answer says; all else is bad
 * data.
 */
function assertAnswer(text: Buffer, answer: SenderAnswer): void {
  const what = (): string => `${text.toString("utf8").slice(0, 2_000)} ${JSON.stringify(answer)}`;
  if (answer.ok) assert.ok(isUtf8(text) && isJson(text), what());
  else assertBadData("json", answer, what);
}

function isJson(text: Buffer): boolean {
  try {
    JSON.parse(text.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}

/** Objects under OTLP's names, with values of any kind in the places of any other. */
function arbitraryShape(): fc.Arbitrary<unknown> {
  const names = fc.constantFrom(...NAMES);
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 7 },
      fc.constantFrom(
        null,
        true,
        0,
        -1,
        1.5,
        1e300,
        "",
        "7",
        "-1",
        "NaN",
        "zz",
        "AAAA",
        "0af7651916cd43dd8448eb211c80319c",
      ),
      fc.array(tie("value"), { maxLength: 2 }),
      fc.dictionary(names, tie("value"), { maxKeys: 4 }),
    ),
  })).value;
}

const NAMES =
  `resourceSpans resourceMetrics resourceLogs scopeSpans scopeMetrics scopeLogs resource scope attributes key value
stringValue boolValue intValue doubleValue bytesValue arrayValue kvlistValue values spans metrics logRecords name traceId spanId
kind status code startTimeUnixNano events links gauge sum histogram exponentialHistogram summary dataPoints asInt asDouble count
bucketCounts explicitBounds positive offset quantileValues exemplars body severityNumber schemaUrl __proto__ constructor`.split(
    /\s+/u,
  );

/** An AnyValue of arrays within arrays. */
function nestedArrays(depth: number): string {
  return `${'{"arrayValue":{"values":['.repeat(depth)}${"]}}".repeat(depth)}`;
}

function inAttribute(value: string): string {
  return `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"k","value":${value}}]}]}]}]}`;
}
