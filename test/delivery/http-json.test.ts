import assert from "node:assert/strict";
import { test } from "node:test";
import { prepare } from "../../src/generate/generate.ts";
import { SIGNALS } from "../../src/otlp/signal.ts";
import { startTestNode } from "../support/node.ts";
import { decodeRequest } from "../support/oracle/oracle.ts";
import { readOtlpJson } from "../support/oracle/otlp-json.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { hung, refusing } from "../support/sinks/sink-script.ts";
import { batchOf, openTo, send, summary, TWO_SPANS } from "./send.ts";

const JSON_PROTOCOL = "http/json";

function requestOf(signal: (typeof SIGNALS)[number], items = 100): Uint8Array {
  const options = { items, resources: 3, services: ["a", "b"], seed: 1, wallMs: 1_750_000_000_000 };
  return prepare(signal, "protobuf", options).bytes;
}

test("HTTP with JSON: each signal goes to its path as OTLP/JSON, compressed where the target wants it", async () => {
  await using sink = await openHttpSink();
  for (const compression of ["none", "gzip"] as const) {
    await using client = openTo(sink.url, JSON_PROTOCOL, { compression });
    for (const signal of SIGNALS) {
      const bytes = requestOf(signal);
      const half = bytes.length >> 1; // a batch may be cut anywhere
      const pieces = [bytes.subarray(0, half), bytes.subarray(half)];
      assert.equal(summary(await send(client, batchOf(pieces, signal))), "accepted 0");
      const { path, headers, encoding, body } = sink.requests.at(-1)!;
      assert.deepEqual(
        [path, headers["content-type"], encoding],
        [`/v1/${signal}`, "application/json", compression === "none" ? "identity" : "gzip"],
      );
      assert.deepEqual(readOtlpJson(signal, Buffer.from(body).toString()), decodeRequest(signal, bytes));
    }
  }
});

test("HTTP with JSON: an empty batch, as health checks send it, is an empty object", async () => {
  await using sink = await openHttpSink();
  await using client = openTo(sink.url, JSON_PROTOCOL);
  assert.equal(summary(await send(client, batchOf([]))), "accepted 0");
  assert.equal(Buffer.from(sink.requests[0]!.body).toString(), "{}");
});

test("HTTP with JSON: what the target answers in JSON is read", async () => {
  const partial = { kind: "partial", rejected: 3, message: "three of them" } as const;
  await using sink = await openHttpSink({ script: () => partial });
  await using client = openTo(sink.url, JSON_PROTOCOL);
  for (const signal of SIGNALS) {
    const outcome = await send(client, batchOf([requestOf(signal)], signal));
    assert.deepEqual(outcome, { kind: "accepted", rejected: 3, message: "three of them" });
  }
  sink.script = refusing(400, { message: "no such tenant" });
  const refused = await send(client);
  assert.deepEqual(
    [summary(refused), "message" in refused && refused.message],
    ["rejected bad data HTTP 400", "HTTP 400: no such tenant"],
  );
  sink.script = refusing(503, { message: "later", retryAfterMs: 2_000 });
  assert.equal(summary(await send(client)), "retry throttled 2000");
});

test("HTTP with JSON: what would be too long, or is malformed, is not sent", async () => {
  await using sink = await openHttpSink();
  const bytes = requestOf("traces");
  await using small = openTo(sink.url, JSON_PROTOCOL, { maxRequestBytes: bytes.length });
  assert.equal(summary(await send(small, batchOf([bytes]))), "too_large");
  const noText = Uint8Array.of(0x0a, 0x07, 0x12, 0x05, 0x12, 0x03, 0x2a, 0x01, 0xff);
  assert.equal(summary(await send(small, batchOf([noText]))), "rejected bad data INVALID_ARGUMENT");
  assert.equal(sink.requests.length, 0);
});

test("HTTP with JSON: a cancelled call is told so, once", async () => {
  await using sink = await openHttpSink({ script: hung });
  await using client = openTo(sink.url, JSON_PROTOCOL);
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = client.send(batchOf(TWO_SPANS), 10_000, (outcome) => {
    seen.push(summary(outcome));
    resolve();
  });
  await sink.until(({ requests }) => requests === 1);
  cancel();
  await promise;
  assert.deepEqual(seen, ["retry cancelled"]);
});

test("HTTP with JSON: a request whose JSON is too long for the target comes in parts, each span once", async () => {
  await using sink = await openHttpSink();
  const bytes = requestOf("traces", 200);
  const limits = { max_request_bytes: bytes.length };
  const target = { id: "a", protocol: JSON_PROTOCOL, compression: "gzip", limits };
  await using node = await startTestNode({ targets: [target] }, { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const { ok, message } = await sender.send("http", "traces", bytes);
  assert.deepEqual([ok, message], [true, ""]);
  const texts = sink.requests.map(({ body }) => Buffer.from(body).toString()).filter((text) => text !== "{}");
  assert.ok(texts.length > 1 && texts.every(({ length }) => length <= bytes.length), `${texts.length} calls`);
  const ids = (text: string): string[] => [...text.matchAll(/"spanId":"([0-9a-f]{16})"/gu)].map(([, id]) => id!);
  const arrived = texts.flatMap(ids);
  assert.equal(arrived.length, 200);
  assert.equal(new Set(arrived).size, 200);
  assert.equal((await node.ledger("traces")).delivered, 200);
});
