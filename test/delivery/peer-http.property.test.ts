import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { seededRandom } from "../../src/core/random.ts";
import { openClient } from "../../src/data/export/client.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { cutAt, type Ending, ENDINGS, openRawPeer, type RawPeer } from "../support/raw-peer.ts";
import { exportResponse } from "../support/sinks/sink-reply.ts";
import { targetPlan } from "./pool-rig.ts";
import { callOnce, summary } from "./send.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 200);
const RETRIED = new Set([429, 502, 503, 504]);
const TIMEOUT_MS = 10_000;
const LONGEST_HEAD = 16_384;

/** One reply as it is written, and what of it is a whole head. */
interface Reply {
  readonly bytes: Buffer;
  readonly status: number;
  /** Where the final head ends. */
  readonly headBytes: number;
}

const value = fc.oneof(
  fc.constantFrom("", "0", "7", "0, 7", "-1", "99", "soon", "gzip", "br", "TEXT/PLAIN; a=b", "%zz%", "\u00ff\u0080"),
  fc.stringMatching(/^[\x21-\x7e](?:[\t\x20-\x7e]{0,30}[\x21-\x7e])?$/u),
);
const name = fc.oneof(
  fc.constantFrom(
    "content-type",
    "Content-Encoding",
    "retry-after",
    "RETRY-AFTER",
    "connection",
    "keep-alive",
    "date",
    "set-cookie",
    "grpc-status",
    "endpoint-load-metrics",
    "__proto__",
    "constructor",
    "trailer",
  ),
  fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/u),
);
const field = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(name, value) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ["content-type", "application/x-protobuf"] as const,
      ["content-encoding", "gzip"] as const,
      ["connection", "close"] as const,
      ["connection", "keep-alive, close"] as const,
      ["x-long", "x".repeat(9_000)] as const,
    ),
  },
);
const fields = fc.array(field, { maxLength: 6 });
const ACCEPTS = fc.constantFrom(200, 201, 202, 204, 206, 299);
const status = fc.oneof(
  { weight: 3, arbitrary: ACCEPTS },
  { weight: 3, arbitrary: fc.constantFrom(301, 304, 400, 401, 404, 405, 408, 413, 415, 422, 429, 500, 502, 503, 504) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 599 }) },
);
const body = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.constantFrom(
    exportResponse(3, "three"),
    gzipSync(exportResponse(3, "three")),
    deflateSync("x"),
    zstdCompressSync("x"),
    Buffer.alloc(70_000, "x"),
  ),
);

/** How the length of the body is told, or is not. */
const FRAMINGS: Readonly<Record<string, (bytes: Uint8Array) => readonly string[]>> = {
  none: () => [],
  length: ({ length }) => [`content-length: ${length}`],
  "a length that is too long": ({ length }) => [`Content-Length: ${length + 7}`],
  "a length that is too short": ({ length }) => [`content-length: ${length >> 1}`],
  "a length twice": ({ length }) => [`content-length: ${length}`, `content-length: ${length}`],
  "a list of lengths": ({ length }) => [`content-length: ${length}, ${length}`],
  "two lengths": ({ length }) => [`content-length: ${length}`, `content-length: ${length + 1}`],
  "a length that is none": () => ["content-length: many"],
  "a length below zero": () => ["content-length: -1"],
  "a length without digits": () => ["content-length:"],
  "a length beyond all bounds": () => ["content-length: 99999999999999999999999"],
  chunks: () => ["transfer-encoding: chunked"],
  "chunks twice": () => ["Transfer-Encoding: chunked", "transfer-encoding: chunked"],
  "chunks beside a length": ({ length }) => [`content-length: ${length}`, "transfer-encoding: chunked"],
  "an encoding that nobody asked for": () => ["transfer-encoding: gzip"],
  "chunks of such an encoding": () => ["transfer-encoding: gzip, chunked"],
  "such an encoding of chunks": () => ["transfer-encoding: chunked, gzip"],
};

function chunked(bytes: Uint8Array, trailers: readonly (readonly [string, string])[]): Buffer {
  const size = bytes.length === 0 ? "" : `${bytes.length.toString(16)};ext=1\r\n`;
  const end = bytes.length === 0 ? "" : "\r\n";
  return Buffer.concat([Buffer.from(size), bytes, Buffer.from(`${end}0\r\n${linesOf(trailers)}\r\n`, "latin1")]);
}

function linesOf(list: readonly (readonly [string, string])[]): string {
  return list.map(([one, text]) => `${one}: ${text}\r\n`).join("");
}

/** So many, and so long, as are passed over. */
const interim = fc
  .tuple(fc.constantFrom(100, 102, 103, 199), fc.array(fc.tuple(name, value), { maxLength: 4 }))
  .map(([code, list]) => `HTTP/1.1 ${code} Wait\r\n${linesOf(list)}\r\n`);

const reply: fc.Arbitrary<Reply> = fc
  .record({
    interims: fc.array(interim, { maxLength: 3 }),
    version: fc.constantFrom("1.1", "1.1", "1.1", "1.0"),
    status,
    reason: fc.constantFrom("OK", "", "Not What You Think", "\u00e9"),
    before: fields,
    framing: fc.constantFrom(...Object.keys(FRAMINGS)),
    after: fields,
    body,
    trailers: fc.array(field, { maxLength: 3 }),
    /** Behind the end of the reply, where nothing should be. */
    surplus: fc.constantFrom("", "", "", "\r\n", "HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n", "\u0000\u0001"),
  })
  .map((made) => {
    const framing = FRAMINGS[made.framing]!(made.body).map((line) => `${line}\r\n`);
    const line = `HTTP/${made.version} ${made.status} ${made.reason}\r\n`;
    const lines = `${linesOf(made.before)}${framing.join("")}${linesOf(made.after)}\r\n`;
    const head = Buffer.from(`${made.interims.join("")}${line}${lines}`, "latin1");
    const inChunks = made.framing.includes("chunks") && made.status !== 204;
    const content = inChunks ? chunked(made.body, made.trailers) : made.body;
    const bytes = Buffer.concat([head, content, Buffer.from(made.surplus, "latin1")]);
    const text = JSON.stringify(bytes.toString("latin1").replaceAll(/(.)\1{99,}/gu, "$1..."));
    return { bytes, status: made.status, headBytes: head.length, [fc.toStringMethod]: () => text };
  });

/** Of a reply, what is said: all, or a part that ends in the middle of it. */
const said = fc.record({
  reply,
  length: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat() }),
  cuts: fc.array(fc.nat(), { maxLength: 4 }),
  ending: fc.constantFrom(...ENDINGS),
});

const FINE = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");

/** Calls `onRequest` for each request that is there as a whole; all are as long as they say. */
function readRequests(socket: Socket, onRequest: () => void): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const end = rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      const [, length = "0"] = /content-length: (\d+)/iu.exec(rest.toString("latin1", 0, end)) ?? [];
      const whole = end + 4 + Number(length);
      if (rest.length < whole) return;
      rest = rest.subarray(whole);
      onRequest();
    }
  });
}

/**
 * The outcomes of a call that is answered with `chunks` and of one after it, each sent and told
 * once; and how many requests came.
 */
async function askTwice(
  peer: RawPeer,
  chunks: readonly Buffer[],
  ending: Ending,
): Promise<{ first: SendOutcome; second: SendOutcome; requests: number }> {
  const clock = new ManualClock();
  const plan = targetPlan("t", { protocol: "http/protobuf", url: `http://127.0.0.1:${peer.port}` });
  let requests = 0;
  const answer = async (socket: Socket): Promise<void> => {
    const how = requests++ === 0 ? { chunks, ending } : ({ chunks: [FINE], ending: "kept" } as const);
    await peer.say(socket, how.chunks, how.ending);
    if (how.ending === "kept") clock.advance(TIMEOUT_MS); // whoever still waits does so in vain
  };
  peer.accept = (socket) => readRequests(socket, () => void answer(socket));
  await using client = openClient(() => plan, { clock, random: seededRandom(1), metrics: createMetrics() });
  const before = callOnce(client, TIMEOUT_MS);
  const first = await before.outcome;
  assert.equal(requests, 1, "the client itself sends nothing again");
  const after = callOnce(client, TIMEOUT_MS);
  const second = await after.outcome;
  await turn();
  assert.deepEqual([before.times(), after.times()], [1, 1]);
  return { first, second, requests };
}

test("HTTP: whatever bytes a target answers with, a status that was seen holds, and nothing is sent twice", async () => {
  await using peer = await openRawPeer();
  await fc.assert(
    fc.asyncProperty(said, async ({ reply: { bytes, status: code, headBytes }, length, cuts, ending }) => {
      const spoken = length === undefined ? bytes : bytes.subarray(0, length % (bytes.length + 1));
      const { first, second, requests } = await askTwice(peer, cutAt(spoken, cuts), ending);
      const isSeen = spoken.length >= headBytes;
      if (isSeen) assert.equal(first.kind === "retry", RETRIED.has(code), summary(first));
      // Of a head that is too long, the status may be known before its end.
      if (isSeen || headBytes <= LONGEST_HEAD) {
        assert.equal(first.kind === "accepted", isSeen && code < 300, summary(first));
      }
      // What was left over of it is nobody's answer.
      assert.ok(second.kind === "accepted" ? requests === 2 : second.kind === "retry", summary(second));
    }),
    { numRuns: RUNS },
  );
});

const HEADS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.entries(FRAMINGS).map(([what, lines]) => [what, lines(Buffer.from("x"))])),
  "a field without a name": [": x"],
  "a field with a blank in its name": ["x y: z"],
  "a line that is no field": ["what is this"],
  "more than 16 KiB": [`x: ${"x".repeat(20_000)}`],
};
for (const [what, lines] of Object.entries(HEADS)) {
  test(`HTTP: a status holds whatever else is in its head: ${what}`, async () => {
    await using peer = await openRawPeer();
    const wanted = {
      "200 OK": "accepted 0",
      "400 Bad": "rejected bad data HTTP 400",
      "503 Busy": "retry throttled 3000",
    };
    for (const [line, want] of Object.entries(wanted)) {
      const head = [`HTTP/1.1 ${line}`, "Retry-After: 3", ...lines, "", ""].join("\r\n");
      const { first } = await askTwice(peer, [Buffer.from(head, "latin1")], "ended");
      assert.equal(summary(first), want);
    }
  });
}
