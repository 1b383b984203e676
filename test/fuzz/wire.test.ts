import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { SIGNAL_FACTS, type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import { answerOf, GrpcConnection } from "../receive/grpc-client.ts";
import { arbitraryRequest } from "../support/oracle/arbitraries.ts";
import { encodeRequest } from "../support/oracle/oracle.ts";
import { arbitraryBytes, arbitraryDamage } from "./broken-bytes.ts";
import { fuzzRuns, FuzzScene } from "./scene.ts";

/** So that requests meet in batches. */
const TOGETHER = 8;

const scenes = [
  { name: "answers are the target's", options: {} },
  { name: "a pool acknowledges on entering its queue", options: { ack: "queued" } },
  {
    name: "rules look into items",
    options: {
      rules: [
        { id: "copy", mode: "copy", conditions: [{ attribute: { key: "k8s.pod.name", exists: true } }], pool: "other" },
        { id: "first", conditions: [{ attribute: { key: "http.route", exists: true } }], pool: "other" },
      ],
    },
  },
] as const;

for (const { name, options } of scenes) {
  test(`fuzz: where ${name}, success means that a full decode takes the bytes, whatever they are`, async () => {
    await using scene = await FuzzScene.open(options);
    const ways = fc.constantFrom("grpc", "http");
    const several = fc.constantFrom(...SIGNALS).chain((signal) =>
      fc.record({
        signal: fc.constant(signal),
        requests: fc.array(fc.tuple(ways, arbitraryBytes(signal)), { minLength: 1, maxLength: TOGETHER }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(several, async ({ signal, requests }) => {
        const answers = requests.map(([way, bytes]) => scene.sender.send(way, signal, bytes));
        for (const [i, answer] of (await Promise.all(answers)).entries()) {
          const [way, bytes] = requests[i]!;
          scene.assertDecided(signal, way, bytes, answer);
        }
      }),
      fuzzRuns(),
    );
    await scene.assertSound();
    if ("ack" in options) assert.equal(scene.unreadable, 0);
  });

  test(`fuzz: where ${name}, a request cut off at any byte is bad data, or whole by chance`, async () => {
    await using scene = await FuzzScene.open(options);
    for (const signal of SIGNALS) {
      const bytes = sample(signal);
      for (let end = 0; end < bytes.length; end += TOGETHER) {
        const cuts = Array.from({ length: TOGETHER }, (_, i) => bytes.subarray(0, Math.min(end + i, bytes.length)));
        const ways = cuts.map((_, i) => (i % 2 === 0 ? "grpc" : "http"));
        const answers = await Promise.all(cuts.map((cut, i) => scene.sender.send(ways[i]!, signal, cut)));
        for (const [i, answer] of answers.entries()) scene.assertDecided(signal, ways[i]!, cuts[i]!, answer);
      }
    }
    await scene.assertSound();
  });
}

test("fuzz: gzip with damage is bad data, or inflates to what a full decode takes", async () => {
  await using scene = await FuzzScene.open();
  const damages = fc.array(arbitraryDamage, { minLength: 1, maxLength: 2 });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...SIGNALS),
      fc.constantFrom("grpc", "http"),
      damages,
      async (signal, way, hurts) => {
        const bytes = hurts.reduce<Buffer>((all, hurt) => hurt(all), gzipSync(sample(signal)));
        const answer = await scene.sender.send(way, signal, bytes, { gzip: "already" });
        scene.assertDecided(signal, way, inflated(bytes) ?? Buffer.from([0]), answer);
      },
    ),
    fuzzRuns(4),
  );
  await scene.assertSound();
});

test("fuzz: whatever stands where gRPC's frame of a message is expected, the call ends, and never with success", async () => {
  await using scene = await FuzzScene.open();
  const message = sample("traces");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  const frames = fc.oneof(
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(fc.integer({ min: 2, max: 255 })).map((flag) => Buffer.concat([Buffer.from(flag), length, message])),
    fc
      .integer({ min: 1, max: message.length })
      .map((cut) => Buffer.concat([Buffer.from([0]), length, message.subarray(cut)])),
    fc
      .uint8Array({ minLength: 1, maxLength: 9 })
      .map((more) => Buffer.concat([Buffer.from([0]), length, message, more])),
    fc.constant(Buffer.concat([Buffer.from([1]), length, message])),
    fc.constant(Buffer.concat([Buffer.from([0]), length, message, Buffer.from([0]), length, message])),
  );
  await using connection = new GrpcConnection(Number(scene.node.grpc.split(":")[1]));
  await fc.assert(
    fc.asyncProperty(frames, async (frame) => {
      const stream = connection.begin(SIGNAL_FACTS.traces.grpcPath);
      stream.end(frame);
      const status = await answerOf(stream).then(
        (answer) => answer.status,
        () => undefined, // a reset is an end, too
      );
      assert.ok(status !== GRPC.OK || isEmptyMessage(frame), frame.toString("hex"));
    }),
    fuzzRuns(4),
  );
  await scene.assertSound();
});

/** A whole message of no bytes, not compressed, is a request. */
function isEmptyMessage(frame: Buffer): boolean {
  return frame.equals(Buffer.alloc(5));
}

function inflated(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes);
  } catch {
    return undefined;
  }
}

/** A request with everything in it, always the same. */
function sample(signal: Signal): Buffer {
  const [plain] = fc.sample(
    arbitraryRequest(signal).filter((one) => JSON.stringify(one).length > 2_000),
    {
      numRuns: 1,
      seed: 7,
    },
  );
  return Buffer.from(encodeRequest(signal, plain!)).subarray(0, 1_000);
}
