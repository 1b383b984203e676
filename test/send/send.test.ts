import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { EXIT } from "../../src/cli/command.ts";
import { SIGNALS } from "../../src/otlp/signal.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { answers, hung, refusing } from "../support/sinks/sink-script.ts";
import { runSend } from "./command-io.ts";

const FAST = ["--rate", "0", "--items-per-request", "10", "-o", "json"];

for (const compression of ["none", "gzip"]) {
  test(`send over gRPC: every item arrives once, and is told as acknowledged (compression ${compression})`, async () => {
    await using sink = await openGrpcSink();
    const ran = await runSend([
      sink.url,
      ...FAST,
      "--count",
      "305",
      "--compression",
      compression,
      "-H",
      "x-tenant=blue",
    ]);
    assert.equal(ran.code, EXIT.ok);
    assert.deepEqual(sink.tally.counts(), { seen: 305, distinct: 305, duplicates: 0, beyond: 0 });
    const report: unknown = JSON.parse(ran.stdout);
    assert.partialDeepStrictEqual(report, {
      sent: { requests: 31, items: 305 },
      acknowledged: { requests: 31, items: 305 },
      retries: 0,
    });
    assert.deepEqual(new Set(sink.requests.map(({ signal }) => signal)), new Set(SIGNALS));
    assert.ok(sink.requests.every(({ headers }) => headers["x-tenant"] === "blue"));
    assert.ok(sink.requests.every(({ encoding }) => encoding === (compression === "gzip" ? "gzip" : "identity")));
  });
}

test("send over HTTP: every item arrives once", async () => {
  await using sink = await openHttpSink();
  const ran = await runSend([sink.url, ...FAST, "--protocol", "http", "--count", "300", "--compression", "gzip"]);
  assert.equal(ran.code, EXIT.ok);
  assert.deepEqual(sink.tally.counts(), { seen: 300, distinct: 300, duplicates: 0, beyond: 0 });
});

test("send as JSON: bodies are OTLP/JSON with ids of their own, below the address's path", async () => {
  await using sink = await openHttpSink();
  const ran = await runSend([
    `${sink.url}/in/`,
    ...FAST,
    "--protocol",
    "http/json",
    "--count",
    "30",
    "--signals",
    "traces",
  ]);
  assert.equal(ran.code, EXIT.ok);
  const texts = sink.requests.map(({ body }) => Buffer.from(body).toString());
  const ids = texts.flatMap((text) => [...text.matchAll(/"spanId":"([0-9a-f]{16})"/gu)].map(([, id]) => id));
  assert.deepEqual([ids.length, new Set(ids).size], [30, 30]);
  assert.deepEqual(new Set(sink.requests.map(({ path }) => path)), new Set(["/in/v1/traces"]));
});

const retried = [
  { name: "UNAVAILABLE", answer: { kind: "status", code: 14 }, open: openGrpcSink, protocol: "grpc" },
  {
    name: "RESOURCE_EXHAUSTED with RetryInfo",
    answer: { kind: "status", code: 8, retryAfterMs: 30 },
    open: openGrpcSink,
    protocol: "grpc",
  },
  { name: "a reset call", answer: { kind: "reset" }, open: openGrpcSink, protocol: "grpc" },
  { name: "HTTP 503", answer: { kind: "status", code: 503 }, open: openHttpSink, protocol: "http" },
  { name: "a lost connection", answer: { kind: "reset" }, open: openHttpSink, protocol: "http" },
] as const;
for (const { name, answer, open, protocol } of retried) {
  test(`send: ${name} is tried again`, async () => {
    await using sink = await open({ script: answers(answer, answer) });
    const ran = await runSend([sink.url, ...FAST, "-p", protocol, "--count", "10", "--signals", "logs"]);
    assert.equal(ran.code, EXIT.ok);
    assert.partialDeepStrictEqual(JSON.parse(ran.stdout), { acknowledged: { items: 10 }, retries: 2 });
    assert.equal(sink.tally.counts().distinct, 10);
  });
}

const final = [
  { name: "INVALID_ARGUMENT", code: 3, open: openGrpcSink, protocol: "grpc", told: "INVALID_ARGUMENT" },
  {
    name: "RESOURCE_EXHAUSTED without RetryInfo",
    code: 8,
    open: openGrpcSink,
    protocol: "grpc",
    told: "RESOURCE_EXHAUSTED",
  },
  { name: "HTTP 400", code: 400, open: openHttpSink, protocol: "http", told: "HTTP 400" },
  { name: "HTTP 500", code: 500, open: openHttpSink, protocol: "http", told: "HTTP 500" },
] as const;
for (const { name, code, open, protocol, told } of final) {
  test(`send: ${name} is told, with what the server said, and not tried again`, async () => {
    await using sink = await open({ script: refusing(code, { message: "not like this" }) });
    const ran = await runSend([sink.url, ...FAST, "-p", protocol, "--count", "10", "--signals", "traces"]);
    assert.equal(ran.code, EXIT.failure);
    assert.partialDeepStrictEqual(JSON.parse(ran.stdout), {
      refused: [{ code: told, requests: 1, items: 10, message: "not like this" }],
      retries: 0,
    });
    assert.equal(sink.counts().requests, 1);
  });
}

test("send: retries end after --retries, and the last refusal is told", async () => {
  await using sink = await openGrpcSink({ script: refusing(14, { message: "later" }) });
  const ran = await runSend([sink.url, ...FAST, "--count", "10", "--signals", "logs", "--retries", "1"]);
  assert.equal(ran.code, EXIT.failure);
  assert.partialDeepStrictEqual(JSON.parse(ran.stdout), { refused: [{ code: "UNAVAILABLE", items: 10 }], retries: 1 });
  assert.equal(sink.counts().requests, 2);
});

for (const { protocol, open } of [
  { protocol: "grpc", open: openGrpcSink },
  { protocol: "http", open: openHttpSink },
  { protocol: "http/json", open: openHttpSink },
] as const) {
  test(`send over ${protocol}: a partial success is told and makes the exit code 1`, async () => {
    await using sink = await open({ script: answers({ kind: "partial", rejected: 3, message: "three of them" }) });
    const ran = await runSend([sink.url, ...FAST, "-p", protocol, "--count", "20", "--signals", "traces", "-c", "1"]);
    assert.equal(ran.code, EXIT.failure);
    assert.partialDeepStrictEqual(JSON.parse(ran.stdout), {
      acknowledged: { requests: 2 },
      partiallyRejected: { requests: 1, items: 3 },
    });
  });

  test(`send over ${protocol}: nobody there is exit code 7`, async () => {
    const sink = await open();
    await sink.kill();
    const ran = await runSend([sink.url, ...FAST, "-p", protocol, "--retries", "0"]);
    assert.equal(ran.code, EXIT.unreachable);
  });
}

test("send: no answer within --timeout is a failure", async () => {
  await using sink = await openGrpcSink({ script: hung });
  const ran = await runSend([sink.url, ...FAST, "--count", "10", "--timeout", "50ms", "--retries", "0"]);
  assert.equal(ran.code, EXIT.failure);
  assert.partialDeepStrictEqual(JSON.parse(ran.stdout), { failed: [{ code: "timeout", items: 10 }] });
});

for (const { protocol, open } of [
  { protocol: "grpc", open: openGrpcSink },
  { protocol: "http", open: openHttpSink },
] as const) {
  test(`send over ${protocol}: stopped while a server hangs, it reports what is unanswered`, async () => {
    await using sink = await open({
      script: answers({ kind: "ok" }, ...Array.from({ length: 50 }, () => ({ kind: "hang" }) as const)),
    });
    const stop = new AbortController();
    const sending = runSend([sink.url, "--rate", "0", "--duration", "0", "-c", "4", "-p", protocol], {
      stop: stop.signal,
      tty: true,
    });
    await sink.until(({ requests }) => requests === 5);
    stop.abort();
    const ran = await sending;
    assert.equal(ran.code, EXIT.ok);
    assert.match(ran.stdout, /^acknowledged +100 items/mu);
    assert.match(ran.stdout, /^unanswered +400 items/mu);
    assert.ok(ran.stderr.endsWith("\r\x1b[K")); // the progress line is wiped
  });
}

const wrong: { name: string; argv: string[]; says: RegExp }[] = [
  { name: "an address that is none", argv: ["ftp://x"], says: /"ftp:\/\/x" is not an address/u },
  { name: "a protocol that is none", argv: ["-p", "udp"], says: /--protocol takes grpc, http, http\/json; got "udp"/u },
  { name: "a signal that is none", argv: ["-s", "traces,spans"], says: /--signals takes .* got "spans"/u },
  { name: "a time without a unit", argv: ["-d", "10"], says: /--duration takes a time/u },
  { name: "a header without a value", argv: ["-H", "x"], says: /--header takes name=value/u },
  { name: "half an item", argv: ["-n", "1.5"], says: /--count must be a whole number/u },
  { name: "a file that is not there", argv: ["--ca", "/nowhere.pem"], says: /--ca: ENOENT/u },
];
for (const { name, argv, says } of wrong) {
  test(`send: ${name} is a usage error`, async () => {
    await assert.rejects(
      runSend(argv),
      (error: Error & { code?: string }) => error.code === "USAGE" && says.test(error.message),
    );
  });
}

test("send: a reply that is too long is a failure, and is not asked for again", async () => {
  await using server = createServer((_, response) => void response.end(Buffer.alloc(5_000_000)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  const port = bound !== null && typeof bound === "object" ? bound.port : assert.fail("it does not listen");
  const ran = await runSend([`127.0.0.1:${port}`, "-p", "http", "--count", "1", "-o", "json"]);
  assert.equal(ran.code, EXIT.failure);
  const report: unknown = JSON.parse(ran.stdout);
  assert.partialDeepStrictEqual(report, { failed: [{ code: "too_large", requests: 1 }], retries: 0 });
});
