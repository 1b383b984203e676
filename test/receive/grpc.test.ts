import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { credentials, makeGenericClientConstructor, Metadata, type ServiceError } from "@grpc/grpc-js";
import { REASONS } from "../../src/core/reason.ts";
import { REPLIES } from "../../src/data/receive/reply.ts";
import type { Reply } from "../../src/data/receive/request.ts";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { SIGNAL_FACTS, SIGNALS } from "../../src/otlp/signal.ts";
import { decodeResponse } from "../support/oracle/oracle.ts";
import { answerOf, GrpcConnection, prefix } from "./grpc-client.ts";
import { openReceiving, type Receiving, REGION } from "./harness.ts";

const TRACES = SIGNAL_FACTS.traces.grpcPath;
const HEALTH = "/grpc.health.v1.Health/Check";
/** One resource without anything in it. */
const ONE = Buffer.from([0x0a, 0x00]);

let receiving: Receiving;
let connection: GrpcConnection;
let answer: Reply | "hold" = { ok: true, rejected: 0, message: "" };

before(async () => {
  receiving = await openReceiving({ answer: () => answer });
  connection = new GrpcConnection(receiving.grpcPort);
});
after(async () => {
  await connection[Symbol.asyncDispose]();
  await receiving[Symbol.asyncDispose]();
});

function answering(reply: Reply | "hold"): Disposable {
  const old = answer;
  answer = reply;
  return {
    [Symbol.dispose]() {
      answer = old;
    },
  };
}

function lastCarried(): Receiving["carried"][number] {
  return receiving.carried.at(-1) ?? assert.fail("nothing was carried");
}

for (const signal of SIGNALS) {
  const { grpcPath, rejectedField } = SIGNAL_FACTS[signal];

  test(`${signal}: a request is carried byte by byte and succeeds with partial_success unset`, async () => {
    const { status, message, headers } = await connection.call(grpcPath, ONE);
    assert.deepEqual([status, headers["content-type"]], [0, "application/grpc"]);
    assert.deepEqual(decodeResponse(signal, message ?? assert.fail()), {});
    const { head, bytes } = lastCarried();
    assert.deepEqual([head.signal, head.method, head.region], [signal, "grpc", REGION]);
    assert.deepEqual(Buffer.from(bytes), ONE);
  });

  test(`${signal}: an empty request succeeds`, async () => {
    assert.equal((await connection.call(grpcPath, Buffer.alloc(0))).status, 0);
    assert.equal(lastCarried().bytes.length, 0);
  });

  test(`${signal}: partial success tells how many were rejected, and why`, async () => {
    using _ = answering({ ok: true, rejected: 7, message: "too old" });
    const { status, message } = await connection.call(grpcPath, ONE);
    assert.equal(status, 0);
    assert.deepEqual(decodeResponse(signal, message ?? assert.fail()), {
      partialSuccess: { [rejectedField]: "7", errorMessage: "too old" },
    });
  });
}

for (const reason of REASONS) {
  const { grpc, retryable } = REPLIES[reason];
  test(`${reason} is answered with code ${grpc}${retryable ? " and RetryInfo" : " without RetryInfo"}`, async () => {
    using _ = answering({
      ok: false,
      refusal: { reason, message: `it was ${reason} – really`, retryAfterMs: 2_100, field: "f" },
    });
    const count = receiving.errors(reason);
    const { status, text, details, message } = await connection.call(TRACES, ONE);
    assert.deepEqual([status, text, message], [grpc, `it was ${reason} – really`, undefined]);
    assert.deepEqual([details?.["code"], details?.["message"]], [grpc, text]);
    const retryInfo = {
      typeUrl: "type.googleapis.com/google.rpc.RetryInfo",
      value: { retryDelay: { seconds: "2", nanos: 100_000_000 } },
    };
    const fieldViolations = [{ field: "f", description: text }];
    const badRequest = { typeUrl: "type.googleapis.com/google.rpc.BadRequest", value: { fieldViolations } };
    const expected = retryable ? [retryInfo] : reason === "bad_data" ? [badRequest] : undefined;
    assert.deepEqual(details?.["details"], expected);
    assert.equal(receiving.errors(reason), count + 1);
  });
}

for (const [encoding, compress] of [
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
  ["deflate", deflateSync],
] as const) {
  test(`grpc-encoding ${encoding} is read where the message is flagged, and not where it is not`, async () => {
    const headers = { "grpc-encoding": encoding };
    assert.equal((await connection.call(TRACES, compress(ONE), { headers, compressed: true })).status, 0);
    assert.deepEqual(Buffer.from(lastCarried().bytes), ONE);
    assert.equal((await connection.call(TRACES, ONE, { headers })).status, 0);
    assert.deepEqual(Buffer.from(lastCarried().bytes), ONE);
  });
}

test("a message that is not what its grpc-encoding says is INVALID_ARGUMENT", async () => {
  const { status } = await connection.call(TRACES, ONE, { headers: { "grpc-encoding": "gzip" }, compressed: true });
  assert.equal(status, GRPC.INVALID_ARGUMENT);
});

test("an unknown grpc-encoding is UNIMPLEMENTED, and the reply tells which are known", async () => {
  const { status, headers, text } = await connection.call(TRACES, ONE, {
    headers: { "grpc-encoding": "snappy" },
    compressed: true,
  });
  assert.equal(status, GRPC.UNIMPLEMENTED);
  assert.match(text, /"snappy"/u);
  assert.equal(String(headers["grpc-accept-encoding"]), "identity,gzip,deflate,zstd");
});

test("another method is UNIMPLEMENTED, and the reply tells which there are", async () => {
  for (const path of [
    "/opentelemetry.proto.collector.trace.v1.TraceService/Import",
    "/x",
    "/grpc.health.v1.Health/Watch",
  ]) {
    const { status, text } = await connection.call(path, ONE);
    assert.equal(status, GRPC.UNIMPLEMENTED);
    assert.match(text, /TraceService\/Export.*MetricsService\/Export.*LogsService\/Export/u);
  }
});

test("the deadline is what the sender says less a margin, bounded, and the default when it says nothing", async () => {
  for (const [timeout, waitMs] of [
    ["250m", 225],
    ["2S", 1_800],
    ["20S", 19_500],
    ["1H", 60_000],
    [undefined, 30_000],
  ] as const) {
    await connection.call(TRACES, ONE, { headers: timeout === undefined ? {} : { "grpc-timeout": timeout } });
    const { deadlineMs, receivedMs } = lastCarried().head;
    const waits = deadlineMs - receivedMs;
    assert.ok(waits > waitMs - 0.001 && waits < waitMs + 1, `${waits}`); // it is a whole number
  }
  const { status } = await connection.call(TRACES, ONE, { headers: { "grpc-timeout": "0m" } });
  assert.equal(status, GRPC.DEADLINE_EXCEEDED);
});

test("a sender that resets its call cancels what is tried for it", async () => {
  using _ = answering("hold");
  const count = receiving.errors("cancelled");
  const stream = connection.begin(TRACES);
  stream.end(Buffer.concat([prefix(ONE.length), ONE]));
  const held = await receiving.nextHeld();
  stream.close(8);
  while (!held.cancelled) await new Promise(setImmediate);
  assert.equal(receiving.admission.inFlightBytes, ONE.length);
  held.finish({ ok: true, rejected: 0, message: "" });
  assert.deepEqual([receiving.admission.inFlightBytes, receiving.admission.inFlightRequests], [0, 0]);
  assert.equal(receiving.errors("cancelled"), count + 1);
});

test("calls that end in the middle of their message leave nothing behind", async () => {
  for (const part of [
    prefix(100),
    Buffer.concat([prefix(100), Buffer.alloc(50)]),
    Buffer.from([0, 0]),
    Buffer.alloc(0),
  ]) {
    const ended = connection.begin(TRACES);
    ended.end(part);
    assert.notEqual((await answerOf(ended)).status, 0);
    const reset = connection.begin(TRACES);
    reset.write(part);
    reset.close(8);
  }
  await receiving.settled();
  assert.equal((await connection.call(TRACES, ONE)).status, 0);
});

for (const service of ["", ...SIGNALS.map((signal) => SIGNAL_FACTS[signal].grpcPath.split("/")[1] ?? "")]) {
  test(`health: "${service}" is SERVING while the node serves, and NOT_SERVING otherwise`, async () => {
    const name = Buffer.from(service);
    const request = service === "" ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
    assert.deepEqual((await connection.call(HEALTH, request)).message, Buffer.from([0x08, 0x01]));
    receiving.serving = false;
    assert.deepEqual((await connection.call(HEALTH, request)).message, Buffer.from([0x08, 0x02]));
    receiving.serving = true;
    const headers = { "grpc-encoding": "gzip" };
    assert.equal((await connection.call(HEALTH, gzipSync(request), { headers, compressed: true })).status, 0);
  });
}

for (const [what, request, status] of [
  ["an unknown service is NOT_FOUND", Buffer.from([0x0a, 0x03, 0x66, 0x6f, 0x6f]), GRPC.NOT_FOUND],
  ["fields that are not known are skipped", Buffer.from([0x10, 0x05, 0x0a, 0x00]), GRPC.OK],
  ["what is cut short is INVALID_ARGUMENT", Buffer.from([0x0a, 0x09, 0x66]), GRPC.INVALID_ARGUMENT],
  ["what is too long is RESOURCE_EXHAUSTED", Buffer.alloc(2_000), GRPC.RESOURCE_EXHAUSTED],
] as const) {
  test(`health: ${what}`, async () => assert.equal((await connection.call(HEALTH, request)).status, status));
}

test("health is told under overload and takes nothing from admission", async () => {
  await using busy = await openReceiving({ limits: { maxConcurrentRequests: 0 } });
  await using other = new GrpcConnection(busy.grpcPort);
  assert.equal((await other.call(TRACES, ONE)).status, GRPC.UNAVAILABLE);
  assert.equal((await other.call(HEALTH, Buffer.alloc(0))).status, GRPC.OK);
});

test("time to the reply is counted for every export", async () => {
  const { counts } = receiving.metrics.requestDuration.with(REGION, "grpc");
  const total = (): number => counts.reduce((sum, count) => sum + count, 0);
  const earlier = total();
  await connection.call(TRACES, ONE);
  assert.equal(total(), earlier + 1);
});

test("every reason is counted from zero", async () => {
  await using fresh = await openReceiving();
  const labels = [...fresh.metrics.errors.series.values()].map((entry) => entry.labels.join());
  assert.deepEqual(labels.toSorted(), REASONS.map((reason) => `${REGION},${reason}`).toSorted());
});

test("grpc-js: success and partial success arrive as its users expect", async () => {
  using client = grpcJs();
  assert.deepEqual(await client.unary(SIGNAL_FACTS.logs.grpcPath, ONE), Buffer.alloc(0));
  using _ = answering({ ok: true, rejected: 2, message: "no" });
  const partial = decodeResponse("logs", await client.unary(SIGNAL_FACTS.logs.grpcPath, ONE));
  assert.deepEqual(partial, { partialSuccess: { rejectedLogRecords: "2", errorMessage: "no" } });
});

test("grpc-js: a refusal arrives with its text and its details", async () => {
  using client = grpcJs();
  using _ = answering({ ok: false, refusal: { reason: "queue_full", message: "the queue is full" } });
  await assert.rejects(client.unary(TRACES, ONE), (error: ServiceError) => {
    assert.deepEqual([error.code, error.details], [GRPC.RESOURCE_EXHAUSTED, "the queue is full"]);
    assert.equal(error.metadata.get("grpc-status-details-bin").length, 1);
    return true;
  });
});

test("grpc-js: when its deadline has passed, what is tried for the call is cancelled", async () => {
  using client = grpcJs();
  using _ = answering("hold");
  const carried = receiving.carried.length;
  // On a busy machine a deadline may be over before anything is sent.
  for (let timeoutMs = 200; receiving.carried.length === carried; timeoutMs *= 2) {
    await assert.rejects(client.unary(TRACES, ONE, timeoutMs), { code: GRPC.DEADLINE_EXCEEDED });
  }
  const held = await receiving.nextHeld();
  while (!held.cancelled) await new Promise(setImmediate);
  held.finish({ ok: true, rejected: 0, message: "" });
});

interface GrpcJs extends Disposable {
  unary(path: string, message: Buffer, timeoutMs?: number): Promise<Buffer>;
}

function grpcJs(): GrpcJs {
  const address = `127.0.0.1:${receiving.grpcPort}`;
  const client = new (makeGenericClientConstructor({}, "any"))(address, credentials.createInsecure());
  return {
    unary(path, message, timeoutMs = 10_000) {
      const deadline = Date.now() + timeoutMs; // oxlint-disable-line no-restricted-globals -- grpc-js takes the machine's time
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, same, same, message, new Metadata(), { deadline }, (error, reply) => {
          if (error === null) resolve(reply ?? Buffer.alloc(0));
          else reject(error);
        });
      });
    },
    [Symbol.dispose]: () => client.close(),
  };
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
