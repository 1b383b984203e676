import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { SIGNALS, type Signal } from "../../src/otlp/signal.ts";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { type Hostile, HOSTILE_JSON, HOSTILE_PROTOBUF } from "../support/hostile.ts";
import { type SenderAnswer, type SendVariant } from "../support/otlp-sender.ts";
import { fuzzRuns, FuzzScene } from "./scene.ts";

/**
 * Bytes that a sender has for nothing must not cost a node much: for each byte that comes, and for
 * each that it becomes, there is a ceiling of work and of memory. Work is the CPU time of this
 * process, sender and sinks included, compared with a plain loop on the same machine under the same
 * load; memory is what is alive afterwards.
 */
const ENCODINGS = {
  identity: (bytes: Uint8Array) => bytes,
  gzip: (bytes: Uint8Array) => gzipSync(bytes, { level: 1 }),
  deflate: deflateSync,
  zstd: zstdCompressSync,
} as const;
type EncodingName = keyof typeof ENCODINGS;
const NAMES = Object.keys(ENCODINGS) as EncodingName[];

/**
 * A byte may cost so many times what a step of a loop over bytes costs. Measured: 1 to 12; before
 * there were limits, 70 and more.
 */
const STEPS_A_BYTE = 60;
/**
 * What a request costs whatever its length, in steps: the sender's part, timers, code that is
 * compiled, collections that are due. Measured beside 20 others: to 110,000,000, for a step takes
 * little of what a busy machine lacks, its caches.
 */
const STEPS_A_REQUEST = 200_000_000;
/**
 * Alive after all of it: caches, code, buffers of the connections. The arrays of one request took
 * 1.2 GiB.
 */
const MAX_ALIVE_BYTES = 24 * 1_048_576;
/** So that fields that are no attributes are too many, too. */
const LARGEST_BYTES = 34 * 1_048_576;
const LARGEST_JSON_BYTES = 15 * 1_048_576;
/** Asks items and resources, so that all is walked that may be. */
const RULES = [{ id: "asks", conditions: [{ attribute: { key: "k", equals: "v" } }], pool: "other" }];
const MEASURED = "its work and memory are measured in the test's process";
const STEP_LOOP = Buffer.alloc(4 * 1_048_576, 0x41);

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** CPU time of one step of a loop that looks at a byte, in microseconds. */
function measureStep(): number {
  const began = cpuMicros();
  let sum = 0;
  for (let at = 0; at < STEP_LOOP.length; at++) sum = (Math.imul(sum, 31) + STEP_LOOP[at]!) | 0;
  assert.notEqual(sum, 1);
  return Math.max(1, cpuMicros() - began) / STEP_LOOP.length;
}

async function aliveBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise(setImmediate); // buffers are given back by a thread of its own
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * Sends, and holds what it costs against the ceiling: the least of three times, for code is
 * compiled and the heap collected meanwhile.
 */
async function sendWithin(
  scene: FuzzScene,
  way: SendVariant,
  hostile: Pick<Hostile, "signal">,
  bytes: Uint8Array,
  encoding: EncodingName,
): Promise<SenderAnswer> {
  const body = ENCODINGS[encoding](bytes);
  const ceiling = STEPS_A_REQUEST + STEPS_A_BYTE * bytes.length;
  let least = Infinity;
  for (let time = 0; time < 3; time++) {
    const { answer, steps } = await sendMeasured(scene, way, hostile.signal, body, encoding);
    if (steps <= ceiling) return answer;
    least = Math.min(least, steps);
  }
  assert.fail(`${body.length} bytes of ${encoding}, inflated ${bytes.length}, took ${least} steps`);
}

async function sendMeasured(
  scene: FuzzScene,
  way: SendVariant,
  signal: Signal,
  body: Uint8Array,
  encoded: EncodingName,
): Promise<{ readonly answer: SenderAnswer; readonly steps: number }> {
  const before = measureStep();
  const began = cpuMicros();
  const answer = await scene.sender.send(way, signal, body, { encoded });
  const spent = cpuMicros() - began;
  return { answer, steps: Math.round(spent / Math.max(before, measureStep())) };
}

/** All of them in gzip, and a sixth of them in each of the others. */
const RUNS = [
  { encoding: "gzip", of: 2, nth: 0 },
  { encoding: "gzip", of: 2, nth: 1 },
  { encoding: "identity", of: 6, nth: 0 },
  { encoding: "deflate", of: 6, nth: 2 },
  { encoding: "zstd", of: 6, nth: 3 },
] as const;
for (const { encoding, of, nth } of RUNS) {
  const mine = (_: Hostile, i: number): boolean => i % of === nth;
  const protobuf = HOSTILE_PROTOBUF.filter(mine);
  const json = HOSTILE_JSON.filter(mine);
  test(`ceilings: hostile requests in ${encoding} (${nth + 1} of ${of}) are refused for good by what they have too much of, and leave nothing`, async () => {
    await using scene = await FuzzScene.open({ rules: RULES, inProcess: MEASURED });
    await scene.assertSound();
    const alive = await aliveBytes();
    for (const [i, hostile] of protobuf.entries()) {
      const way = i % 2 === 0 && encoding !== "deflate" ? "grpc" : "http";
      assertRefused(way, hostile, await sendWithin(scene, way, hostile, hostile.make(LARGEST_BYTES), encoding));
    }
    for (const hostile of json) {
      const answer = await sendWithin(scene, "json", hostile, hostile.make(LARGEST_JSON_BYTES), encoding);
      if (hostile.excess !== undefined) assertRefused("json", hostile, answer);
    }
    const grown = (await aliveBytes()) - alive;
    assert.ok(grown <= MAX_ALIVE_BYTES, `${grown} bytes are alive that were not before`);
    const counted = protobuf.length + json.filter(({ excess }) => excess !== undefined).length;
    assert.ok((await excessesOf(scene)) >= counted); // one that was sent again is counted again
    await scene.assertSound();
  });
}

test("ceilings: whatever is repeated, in whatever encoding, costs no more", async () => {
  await using scene = await FuzzScene.open({ ack: "queued", rules: RULES, inProcess: MEASURED });
  const units = fc.array(fc.uint8Array({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 });
  const shapes = fc.constantFrom(...HOSTILE_PROTOBUF);
  await fc.assert(
    fc.asyncProperty(
      shapes,
      units,
      fc.constantFrom(...SIGNALS),
      fc.constantFrom(...NAMES),
      async (hostile, pieces, signal, encoding) => {
        const unit = Buffer.concat([hostile.make(2), ...pieces]);
        const bytes = Buffer.alloc(1_048_576, unit);
        await sendWithin(scene, "http", { signal }, bytes, encoding);
      },
    ),
    fuzzRuns(),
  );
  await scene.assertSound();
});

function excessesOf(scene: FuzzScene): Promise<number> {
  return scene.node.metric("requestExcesses");
}

function assertRefused(way: SendVariant, { name, excess }: Hostile, answer: SenderAnswer): void {
  const what = `${name} by ${way}: ${JSON.stringify(answer)}`;
  assert.equal(answer.code, way === "grpc" ? GRPC.RESOURCE_EXHAUSTED : 413, what);
  assert.equal(answer.retryMs, undefined, what);
  if (["resources", "scopes", "items", "points", "attributes"].includes(excess ?? "")) {
    assert.ok(answer.message.includes(`node.limits.max_${excess}`), what);
  }
}
