import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent } from "node:http";
import { after, before, mock, test } from "node:test";
import { deflateSync, gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { REASONS } from "../../src/core/reason.ts";
import { resetSocket } from "../../src/core/reset-socket.ts";
import { REPLIES } from "../../src/data/receive/reply.ts";
import type { Reply } from "../../src/data/receive/request.ts";
import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../src/otlp/signal.ts";
import { decodeRequest, decodeResponse, decodeStatus, encodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { TEST_HTTP_TRANSPORT } from "../support/transport.ts";
import { openReceiving, type Receiving, REGION } from "./harness.ts";
import { ask, post, RawConnection, rawHead } from "./http-client.ts";

const PLAIN: Readonly<Record<Signal, Plain>> = {
  traces: { resourceSpans: [{ scopeSpans: [{ spans: [{ name: "a" }, { name: "b" }] }] }] },
  metrics: { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "m" }] }] }] },
  logs: { resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityText: "INFO" }] }] }] },
};
const JSON_HEADERS = { "content-type": "application/json" };

let receiving: Receiving;
let answer: Reply | "hold" = { ok: true, rejected: 0, message: "" };

before(async () => {
  receiving = await openReceiving({ answer: () => answer });
});
after(() => receiving[Symbol.asyncDispose]());

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
  const path = SIGNAL_FACTS[signal].httpPath;
  const bytes = encodeRequest(signal, PLAIN[signal]);

  test(`${signal}: a protobuf request is carried byte by byte and succeeds with 200 and no partial_success`, async () => {
    const { status, headers, body } = await post(receiving.httpPort, path, bytes);
    assert.deepEqual([status, headers["content-type"]], [200, "application/x-protobuf"]);
    assert.deepEqual(decodeResponse(signal, body), {});
    const { head, bytes: carried, rejected } = lastCarried();
    assert.deepEqual([head.signal, head.method, head.region, rejected], [signal, "http", REGION, 0]);
    assert.match(head.peer, /^127\.0\.0\.1:\d+$/u);
    const waits = head.deadlineMs - head.receivedMs;
    assert.ok(waits > 29_999.999 && waits < 30_001, `${waits}`);
    assert.deepEqual(Buffer.from(carried), Buffer.from(bytes));
  });

  test(`${signal}: a JSON request is carried as protobuf and answered in JSON`, async () => {
    const { status, headers, body } = await ask(receiving.httpPort, path, {
      headers: JSON_HEADERS,
      body: JSON.stringify(PLAIN[signal]),
    });
    assert.deepEqual([status, headers["content-type"], body.toString()], [200, "application/json", "{}"]);
    assert.deepEqual(decodeRequest(signal, lastCarried().bytes), PLAIN[signal]);
  });

  test(`${signal}: an empty request succeeds, as protobuf and as JSON`, async () => {
    assert.equal((await post(receiving.httpPort, path, new Uint8Array(0))).status, 200);
    assert.equal(lastCarried().bytes.length, 0);
    assert.equal((await ask(receiving.httpPort, path, { headers: JSON_HEADERS, body: "{}" })).status, 200);
    assert.equal(lastCarried().bytes.length, 0);
  });

  test(`${signal}: partial success tells how many were rejected, and why, in the type of the request`, async () => {
    using _ = answering({ ok: true, rejected: 3, message: "the target took the rest" });
    const { rejectedField } = SIGNAL_FACTS[signal];
    const protobuf = await post(receiving.httpPort, path, bytes);
    assert.equal(protobuf.status, 200);
    assert.deepEqual(decodeResponse(signal, protobuf.body), {
      partialSuccess: { [rejectedField]: "3", errorMessage: "the target took the rest" },
    });
    const json = await ask(receiving.httpPort, path, { headers: JSON_HEADERS, body: "{}" });
    assert.deepEqual(JSON.parse(json.body.toString()), {
      partialSuccess: { [rejectedField]: "3", errorMessage: "the target took the rest" },
    });
  });
}

test("a warning is a partial success that rejected nothing and has a message", async () => {
  using _ = answering({ ok: true, rejected: 0, message: "spans without a service" });
  const { body } = await post(receiving.httpPort, "/v1/traces", new Uint8Array(0));
  assert.deepEqual(decodeResponse("traces", body), { partialSuccess: { errorMessage: "spans without a service" } });
});

for (const reason of REASONS) {
  const { http, grpc, retryable } = REPLIES[reason];
  test(`${reason} is answered with ${http}, a Status in the type of the request${retryable ? " and Retry-After" : ""}`, async () => {
    using _ = answering({ ok: false, refusal: { reason, message: `it was ${reason}`, retryAfterMs: 2_100 } });
    const count = receiving.errors(reason);
    const protobuf = await post(receiving.httpPort, "/v1/logs", new Uint8Array(0));
    assert.deepEqual([protobuf.status, protobuf.headers["content-type"]], [http, "application/x-protobuf"]);
    const status = decodeStatus(protobuf.body);
    assert.deepEqual([status["code"], status["message"]], [grpc, `it was ${reason}`]);
    assert.equal(protobuf.headers["retry-after"], retryable ? "3" : undefined);
    const json = await ask(receiving.httpPort, "/v1/logs", { headers: JSON_HEADERS, body: "{}" });
    assert.deepEqual([json.status, json.headers["content-type"]], [http, "application/json"]);
    const { code, message } = JSON.parse(json.body.toString()) as { code: number; message: string }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- compared in the next line
    assert.deepEqual([code, message], [grpc, `it was ${reason}`]);
    assert.equal(receiving.errors(reason), count + 2);
  });
}

test("bad data has a BadRequest that names the field", async () => {
  using _ = answering({ ok: false, refusal: { reason: "bad_data", message: "cut short", field: "resource_spans[2]" } });
  const { status, body } = await post(receiving.httpPort, "/v1/traces", new Uint8Array(0));
  assert.equal(status, 400);
  assert.deepEqual(decodeStatus(body)["details"], [
    {
      typeUrl: "type.googleapis.com/google.rpc.BadRequest",
      value: { fieldViolations: [{ field: "resource_spans[2]", description: "cut short" }] },
    },
  ]);
});

test("JSON that is no JSON, or no request, is 400 and is not carried", async () => {
  const carried = receiving.carried.length;
  for (const body of ["{", "[]", '{"resourceSpans": 1}', ""]) {
    const { status, headers } = await ask(receiving.httpPort, "/v1/traces", { headers: JSON_HEADERS, body });
    assert.deepEqual([status, headers["content-type"]], [400, "application/json"], body);
  }
  assert.equal(receiving.carried.length, carried);
});

test("items that JSON got wrong are rejected by themselves, and the rest is carried", async () => {
  const body = JSON.stringify({
    resourceSpans: [{ scopeSpans: [{ spans: [{ name: "good" }, { name: "bad", traceId: "xyz" }] }] }],
  });
  const { status } = await ask(receiving.httpPort, "/v1/traces", { headers: JSON_HEADERS, body });
  assert.equal(status, 200);
  const { rejected, message } = lastCarried();
  assert.equal(rejected, 1);
  assert.match(message, /traceId/u);
});

for (const [encoding, compress] of [
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
  ["deflate", deflateSync],
  ["identity", (bytes: Uint8Array): Uint8Array => bytes],
] as const) {
  test(`content-encoding ${encoding} is read, for protobuf and for JSON`, async () => {
    const bytes = encodeRequest("traces", PLAIN.traces);
    const headers = { "content-encoding": encoding };
    assert.equal((await post(receiving.httpPort, "/v1/traces", compress(bytes), headers)).status, 200);
    assert.deepEqual(Buffer.from(lastCarried().bytes), Buffer.from(bytes));
    const json = compress(Buffer.from(JSON.stringify(PLAIN.traces)));
    assert.equal(
      (await ask(receiving.httpPort, "/v1/traces", { headers: { ...JSON_HEADERS, ...headers }, body: json })).status,
      200,
    );
    assert.deepEqual(Buffer.from(lastCarried().bytes), Buffer.from(bytes));
  });
}

for (const [encoding, compress] of [
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
  ["deflate", deflateSync],
] as const) {
  test(`what comes of ${encoding} and JSON gets no memory beside that of bodies`, async () => {
    const spans = Array.from({ length: 2_000 }, (_, i) => ({ name: `span ${i % 10}` }));
    const plain = { resourceSpans: [{ scopeSpans: [{ spans }] }] };
    const bytes = encodeRequest("traces", plain);
    const headers = { "content-encoding": encoding };
    const bodies = [
      { headers: { "content-type": "application/x-protobuf", ...headers }, body: compress(bytes) },
      { headers: { ...JSON_HEADERS, ...headers }, body: compress(Buffer.from(JSON.stringify(plain))) },
    ];
    const allocs = [mock.method(Buffer, "allocUnsafe"), mock.method(Buffer, "allocUnsafeSlow")];
    try {
      for (const body of bodies) {
        assert.equal((await ask(receiving.httpPort, "/v1/traces", body)).status, 200);
        assert.deepEqual(Buffer.from(lastCarried().bytes), Buffer.from(bytes));
      }
      const sizes = allocs.flatMap((alloc) => alloc.mock.calls.map((call) => call.arguments[0]));
      // What the harness keeps of each request; half of that is more than a body takes as it comes.
      assert.deepEqual(
        sizes.filter((size) => size >= bytes.length / 2),
        [bytes.length, bytes.length],
      );
    } finally {
      mock.restoreAll();
    }
  });
}

test("a body that is not what its content-encoding says is 400", async () => {
  const { status } = await post(receiving.httpPort, "/v1/traces", Buffer.from("not gzip"), {
    "content-encoding": "gzip",
  });
  assert.equal(status, 400);
});

test("an unknown content-encoding is 415 and the reply tells which are known", async () => {
  const { status, headers, body } = await post(receiving.httpPort, "/v1/traces", Buffer.from("x"), {
    "content-encoding": "br",
  });
  assert.deepEqual([status, headers["accept-encoding"]], [415, "gzip, zstd, deflate"]);
  assert.match(String(decodeStatus(body)["message"]), /"br"/u);
});

test("an unknown content-type is 415", async () => {
  for (const type of ["text/plain", "application/grpc", "application/x-thrift"]) {
    const { status, headers } = await post(receiving.httpPort, "/v1/traces", Buffer.from("x"), {
      "content-type": type,
    });
    assert.deepEqual([status, headers["content-type"]], [415, "application/x-protobuf"]);
  }
});

for (const method of ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"]) {
  test(`${method} is 405, and the reply tells that POST is allowed`, async () => {
    const { status, headers } = await ask(receiving.httpPort, "/v1/metrics", { method });
    assert.deepEqual([status, headers.allow], [405, "POST"]);
  });
}

test("GET / is 404 and tells what this place is", async () => {
  const { status, body } = await ask(receiving.httpPort, "/", {
    method: "GET",
    headers: { accept: "application/json" },
  });
  assert.equal(status, 404);
  assert.match(body.toString(), /OTLP\/HTTP.*\/v1\/traces, \/v1\/metrics, \/v1\/logs/u);
  assert.equal((await post(receiving.httpPort, "/v1/profiles", new Uint8Array(0))).status, 404);
});

test("a long reply is gzipped for who accepts that, and only then", async () => {
  using _ = answering({ ok: true, rejected: 1, message: "why ".repeat(2_000) });
  const long = await post(receiving.httpPort, "/v1/traces", new Uint8Array(0), {
    "accept-encoding": "deflate, gzip;q=0.5",
  });
  assert.equal(long.headers["content-encoding"], "gzip");
  assert.equal(Number(long.headers["content-length"]), long.body.length);
  const said = decodeResponse("traces", gunzipSync(long.body));
  assert.deepEqual(said, { partialSuccess: { rejectedSpans: "1", errorMessage: "why ".repeat(2_000) } });
  for (const accepted of ["identity", "gzip;q=0", ""]) {
    const plain = await post(receiving.httpPort, "/v1/traces", new Uint8Array(0), { "accept-encoding": accepted });
    assert.equal(plain.headers["content-encoding"], undefined);
  }
});

test("a short reply is not gzipped", async () => {
  using _ = answering({ ok: true, rejected: 1, message: "why" });
  const short = await post(receiving.httpPort, "/v1/traces", new Uint8Array(0), { "accept-encoding": "gzip" });
  assert.equal(short.headers["content-encoding"], undefined);
});

test("a connection serves one request after the other, also after refusals", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { "content-type": "application/x-protobuf" };
  const peers = new Set<string>();
  for (let i = 0; i < 3; i++) {
    assert.equal((await ask(receiving.httpPort, "/v1/traces", { headers, body: "", agent })).status, 200);
    peers.add(lastCarried().head.peer);
    assert.equal(
      (await ask(receiving.httpPort, "/v1/traces", { headers: { "content-type": "text/plain" }, body: "xyz", agent }))
        .status,
      415,
    );
  }
  assert.equal(peers.size, 1);
  agent.destroy();
});

test("pipelined requests are answered in their order, whichever is done first", async () => {
  using _ = answering("hold");
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(
    rawHead("/v1/traces", { "content-length": 0 }),
    rawHead("/v1/logs", { "content-length": 0 }),
    rawHead("/v1/spans", { "content-length": 0 }),
  );
  const [first, second] = [await receiving.nextHeld(), await receiving.nextHeld()];
  assert.deepEqual([first.request.head.signal, second.request.head.signal], ["traces", "logs"]);
  second.finish({ ok: false, refusal: { reason: "no_target", message: "" } });
  first.finish({ ok: true, rejected: 0, message: "" });
  const text = await raw.until((seen) => seen.split("HTTP/1.1 ").length === 4);
  assert.deepEqual(
    [...text.matchAll(/HTTP\/1\.1 (\d+)/gu)].map((match) => match[1]),
    ["200", "503", "404"],
  );
});

test("a sender that goes away before the reply cancels what is tried for it", async () => {
  using _ = answering("hold");
  const count = receiving.errors("cancelled");
  const raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 0 }), rawHead("/v1/logs", { "content-length": 0 }));
  const both = [await receiving.nextHeld(), await receiving.nextHeld()];
  assert.equal(receiving.admission.inFlightRequests, 2);
  resetSocket(raw.socket);
  while (both.some((held) => !held.cancelled)) await new Promise(setImmediate);
  assert.equal(receiving.admission.inFlightRequests, 2, "the next stage still has the bytes");
  for (const held of both) held.finish({ ok: true, rejected: 0, message: "" });
  assert.equal(receiving.admission.inFlightRequests, 0);
  assert.equal(receiving.errors("cancelled"), count + 2);
});

test("a sender that closes only its side has its reply, but not from node:http", async () => {
  using _ = answering("hold");
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 0 }));
  const held = await receiving.nextHeld();
  await new Promise<void>((resolve) => void raw.socket.end(resolve));
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate); // its end has been read
  if (TEST_HTTP_TRANSPORT === "node") while (!held.cancelled) await new Promise(setImmediate);
  held.finish({ ok: true, rejected: 0, message: "" });
  assert.equal((await raw.rest()).includes("200 OK"), TEST_HTTP_TRANSPORT === "own");
});

test("bytes that are no HTTP are 400 with a Status, and the connection is closed", async () => {
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send("\u0016\u0003\u0001 this is not HTTP\r\n\r\n");
  const text = await raw.rest();
  assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/x-protobuf\r\n/u);
  const status = decodeStatus(Buffer.from(text.slice(text.indexOf("\r\n\r\n") + 4), "latin1"));
  assert.equal(status["code"], 3);
});

test("bytes after a request do not disturb its reply", async () => {
  using _ = answering("hold");
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 2 }), "\n\u0000more than was told");
  const held = await receiving.nextHeld();
  held.finish({ ok: true, rejected: 0, message: "" });
  const text = await raw.rest();
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/gu)].map((match) => match[1]);
  // Ours says what was wrong with them, behind it; node's does not.
  assert.deepEqual(statuses, TEST_HTTP_TRANSPORT === "own" ? ["200", "400"] : ["200"]);
});

test("100 Continue comes after the request was admitted, and never before a refusal", async () => {
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 2, expect: "100-continue" }));
  assert.equal(await raw.until((text) => text.endsWith("\r\n\r\n")), "HTTP/1.1 100 Continue\r\n\r\n");
  raw.send("\n\u0000");
  await raw.until((text) => text.includes("200 OK"));
  await using other = await RawConnection.open(receiving.httpPort);
  other.send(rawHead("/v1/traces", { "content-length": 1e9, expect: "100-continue" }));
  assert.match(await other.rest(), /^HTTP\/1\.1 413 /u);
});

test("time to the reply is counted for every request", async () => {
  const { counts } = receiving.metrics.requestDuration.with(REGION, "http");
  const total = (): number => counts.reduce((sum, count) => sum + count, 0);
  const earlier = total();
  await post(receiving.httpPort, "/v1/traces", new Uint8Array(0));
  await ask(receiving.httpPort, "/", { method: "GET" });
  assert.equal(total(), earlier + 2);
});

test("an HTTP/1.0 request is served, and its connection closed", async () => {
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send("POST /v1/traces HTTP/1.0\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
  assert.match(await raw.rest(), /^HTTP\/1\.1 200 OK/u);
});

test("a reset in the middle of everything leaves nothing behind", async () => {
  for (const part of [
    "POST",
    rawHead("/v1/traces", { "content-length": 100 }),
    `${rawHead("/v1/traces", { "content-length": 100 })}abc`,
  ]) {
    const raw = await RawConnection.open(receiving.httpPort);
    raw.send(part);
    resetSocket(raw.socket);
    await once(raw.socket, "close");
  }
  await receiving.settled();
  assert.equal((await post(receiving.httpPort, "/v1/traces", new Uint8Array(0))).status, 200);
});
