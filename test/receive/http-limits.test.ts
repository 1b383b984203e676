import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { decodeStatus } from "../support/oracle/oracle.ts";
import { openReceiving } from "./harness.ts";
import { ask, post, RawConnection, rawHead } from "./http-client.ts";
import { ManualClock } from "../support/manual-clock.ts";

const MIB = 1_048_576;
const JSON_TYPE = { "content-type": "application/json" };

test("a content-length above the limit is 413 before a byte of the body, and cannot be sent again", async () => {
  await using receiving = await openReceiving({ limits: { maxRequestBytes: 1_000 } });
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 1_001 }));
  const text = await raw.rest();
  assert.match(text, /^HTTP\/1\.1 413 Payload Too Large\r\n/u);
  assert.match(text, /\r\nConnection: close\r\n/u);
  assert.doesNotMatch(text, /retry-after/iu);
  assert.equal(receiving.errors("too_large"), 1);
  assert.equal(receiving.carried.length, 0);
});

test("a request of exactly the limit is taken", async () => {
  await using receiving = await openReceiving({ limits: { maxRequestBytes: 1_000, maxInFlightBytes: 1_000 } });
  assert.equal((await post(receiving.httpPort, "/v1/traces", Buffer.alloc(1_000))).status, 200);
});

test("a sender that goes on sending after 413 still gets to read it", async () => {
  await using receiving = await openReceiving({ limits: { maxRequestBytes: 1_000 } });
  const { status, body } = await post(receiving.httpPort, "/v1/traces", Buffer.alloc(2 * MIB));
  assert.equal(status, 413);
  assert.match(String(decodeStatus(body)["message"]), /2097152 bytes/u);
});

test("a chunked body is counted while it comes, and refused as soon as it is too long", async () => {
  await using receiving = await openReceiving({ limits: { maxRequestBytes: 1_000 } });
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "transfer-encoding": "chunked" }));
  for (let i = 0; i < 10; i++) raw.send("64\r\n", Buffer.alloc(100), "\r\n");
  raw.send("1\r\nx\r\n");
  assert.match(await raw.rest(), /^HTTP\/1\.1 413 /u);
  await receiving.settled();
});

test("a chunked body of many small chunks is put together, within twice its length", async () => {
  await using receiving = await openReceiving();
  const body = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i % 251));
  await using raw = await RawConnection.open(receiving.httpPort);
  const chunks = Array.from(body, (byte) =>
    Buffer.concat([Buffer.from("1\r\n"), Buffer.of(byte), Buffer.from("\r\n")]),
  );
  raw.send(rawHead("/v1/traces", { "transfer-encoding": "chunked" }), Buffer.concat(chunks), "0\r\n\r\n");
  await raw.until((text) => text.includes("200 OK"));
  assert.deepEqual(Buffer.from(receiving.carried[0]?.bytes ?? []), body);
  assert.ok(receiving.peakBytes <= 80_000, `${receiving.peakBytes}`);
});

for (const [encoding, compress] of [
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
] as const) {
  test(`a ${encoding} bomb is refused with 413 and its bytes are given back`, async () => {
    await using receiving = await openReceiving();
    const bomb = compress(Buffer.alloc(80 * MIB));
    assert.ok(bomb.length < 100_000);
    const { status } = await post(receiving.httpPort, "/v1/traces", bomb, { "content-encoding": encoding });
    assert.equal(status, 413);
    await receiving.settled();
    assert.equal(receiving.admission.inFlightBytes, 0);
  });
}

test("inflating asks the budget: what others hold is not there for it, and the sender may come again", async () => {
  await using receiving = await openReceiving({ limits: { maxInFlightBytes: 4 * MIB }, answer: () => "hold" });
  const held = post(receiving.httpPort, "/v1/traces", Buffer.alloc(3 * MIB));
  await receiving.nextHeld();
  const body = gzipSync(Buffer.alloc(2 * MIB));
  const { status, headers } = await post(receiving.httpPort, "/v1/traces", body, { "content-encoding": "gzip" });
  assert.equal(status, 503);
  assert.ok(Number(headers["retry-after"]) >= 1);
  assert.equal(receiving.errors("memory"), 1);
  held.catch(() => {}); // ends with the listeners
});

test("a budget that others hold refuses with 503 before the body, and small refused bodies keep the connection", async () => {
  await using receiving = await openReceiving({ limits: { maxInFlightBytes: 1_000 }, answer: () => "hold" });
  const first = post(receiving.httpPort, "/v1/traces", Buffer.alloc(900));
  const held = await receiving.nextHeld();
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 200 }));
  assert.match(await raw.until((text) => text.includes("\r\n\r\n")), /^HTTP\/1\.1 503 [^]*Retry-After: \d+/u);
  held.finish({ ok: true, rejected: 0, message: "" });
  assert.equal((await first).status, 200);
  raw.send(Buffer.alloc(200), rawHead("/v1/logs", { "content-length": 100 }), Buffer.alloc(100));
  const second = await receiving.nextHeld();
  second.finish({ ok: true, rejected: 0, message: "" });
  await raw.until((text) => text.includes("200 OK"));
});

test("too many requests at once are 503 or 429 by reason, with a delay", async () => {
  await using receiving = await openReceiving({ limits: { maxConcurrentRequests: 1 }, answer: () => "hold" });
  const first = post(receiving.httpPort, "/v1/traces", Buffer.alloc(1));
  const held = await receiving.nextHeld();
  const { status, headers } = await post(receiving.httpPort, "/v1/traces", Buffer.alloc(1));
  assert.equal(status, 429);
  assert.ok(Number(headers["retry-after"]) >= 1);
  held.finish({ ok: true, rejected: 0, message: "" });
  assert.equal((await first).status, 200);
});

test("a body that comes slowly is evicted when others are refused, and holds no more room than what came", async () => {
  const clock = new ManualClock();
  const limits = { maxConcurrentRequests: 2, requestTimeoutMs: 60_000 };
  await using receiving = await openReceiving({ clock, limits });
  await using counted = await RawConnection.open(receiving.httpPort);
  counted.send(rawHead("/v1/traces", { "content-length": 1_000_000 }), "only this");
  await using chunked = await RawConnection.open(receiving.httpPort);
  chunked.send(rawHead("/v1/traces", { "transfer-encoding": "chunked" }), "5\r\nhello\r\n");
  while (receiving.admission.inFlightBytes < 16_384 + 5) await new Promise(setImmediate);
  assert.ok(receiving.admission.inFlightBytes < 40_000);
  clock.advance(5_000);
  assert.equal((await post(receiving.httpPort, "/v1/traces", Buffer.alloc(1))).status, 429);
  clock.advance(200);
  for (const raw of [counted, chunked]) {
    const text = await raw.rest();
    assert.match(text, /^HTTP\/1\.1 503 /u);
    assert.match(text, /Retry-After: /iu);
  }
  assert.equal(receiving.errors("too_slow"), 2);
  assert.equal((await post(receiving.httpPort, "/v1/traces", Buffer.alloc(1))).status, 200);
});

test("a body that ends before its content-length is 400 and is not carried", async () => {
  await using receiving = await openReceiving();
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 100 }), "only this");
  raw.socket.end();
  assert.match(await raw.rest(), /^HTTP\/1\.1 400 /u);
  assert.equal(receiving.carried.length, 0);
  assert.equal(receiving.errors("bad_data"), 1);
  await receiving.settled();
});

test("a body in broken chunks is 400", async () => {
  await using receiving = await openReceiving();
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "transfer-encoding": "chunked" }), "5\r\nhello\r\nNO\r\n");
  assert.match(await raw.rest(), /^HTTP\/1\.1 400 /u);
  assert.equal(receiving.carried.length, 0);
});

test("a length told twice is not believed", async () => {
  await using receiving = await openReceiving();
  for (const lie of [
    { "content-length": 3, "transfer-encoding": "chunked" },
    { "content-length": "3, 4" },
    { "content-length": "+3" },
  ]) {
    await using raw = await RawConnection.open(receiving.httpPort);
    raw.send(rawHead("/v1/traces", lie), "abc");
    assert.match(await raw.rest(), /^HTTP\/1\.1 400 /u);
  }
  assert.equal(receiving.carried.length, 0);
});

test("a body that does not come in time is 504, and what it held is given back", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ clock, limits: { requestTimeoutMs: 5_000 } });
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 1_000 }), "some");
  while (receiving.admission.inFlightBytes === 0) await new Promise(setImmediate);
  clock.advance(4_999);
  assert.equal(receiving.admission.inFlightRequests, 1);
  clock.advance(200);
  assert.match(await raw.rest(), /^HTTP\/1\.1 504 /u);
  assert.equal(receiving.admission.inFlightBytes, 0);
  assert.equal(receiving.errors("deadline"), 1);
});

test("a next stage that is late is answered for, cancelled, and its late answer changes nothing", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ clock, limits: { requestTimeoutMs: 5_000 }, answer: () => "hold" });
  const late = post(receiving.httpPort, "/v1/traces", Buffer.alloc(10));
  const held = await receiving.nextHeld();
  clock.advance(5_200);
  const { status } = await late;
  assert.equal(status, 504);
  assert.equal(held.cancelled, true);
  assert.equal(receiving.admission.inFlightBytes, 10);
  held.finish({ ok: true, rejected: 0, message: "" });
  assert.equal(receiving.admission.inFlightBytes, 0);
});

test("headers that do not come in time are answered and the connection is closed", async () => {
  await using receiving = await openReceiving({ http: { headersTimeoutMs: 100 } });
  await using silent = await RawConnection.open(receiving.httpPort);
  await using slow = await RawConnection.open(receiving.httpPort);
  slow.send("POST /v1/traces HTTP/1.1\r\nhost:");
  const texts = [await silent.rest(), await slow.rest()];
  for (const text of texts) assert.match(text, /^HTTP\/1\.1 504 /u);
});

test("headers longer than the limit are refused", async () => {
  await using receiving = await openReceiving({ http: { maxHeaderBytes: 2_048 } });
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "x-long": "y".repeat(4_096) }));
  assert.match(await raw.rest(), /^HTTP\/1\.1 413 /u);
});

test("an idle connection is closed", async () => {
  await using receiving = await openReceiving({ http: { keepAliveTimeoutMs: 50 } });
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 0 }));
  const text = await raw.rest();
  assert.match(text, /^HTTP\/1\.1 200 /u);
});

test("connections beyond the limit are closed, and room comes back", async () => {
  await using receiving = await openReceiving({ http: { maxConnections: 1 } });
  const first = await RawConnection.open(receiving.httpPort);
  first.send(rawHead("/v1/traces", { "content-length": 0 }));
  await first.until((text) => text.includes("200 OK"));
  await using second = await RawConnection.open(receiving.httpPort);
  assert.equal(await second.rest(), "");
  first.socket.end();
  await once(first.socket, "close");
  while ((receiving.listeners.byKind.get("otlp_http")?.connections ?? 0) > 0) await new Promise(setImmediate);
  assert.equal((await post(receiving.httpPort, "/v1/traces", Buffer.alloc(0))).status, 200);
});

test("JSON that would take a parser a second and a gigabyte is 413, though protobuf of that length is not", async () => {
  await using receiving = await openReceiving();
  const body = Buffer.alloc(17 * MIB, " ");
  assert.equal((await ask(receiving.httpPort, "/v1/traces", { headers: JSON_TYPE, body })).status, 413);
  assert.equal((await post(receiving.httpPort, "/v1/traces", body)).status, 200);
});

test("many senders against a small budget: the sum stays within it, every one is answered, all is given back", async () => {
  const limits = { maxRequestBytes: 65_536, maxInFlightBytes: 150_000, maxConcurrentRequests: 20 };
  await using receiving = await openReceiving({ limits, answer: () => "hold" });
  void (async () => {
    for (;;) {
      const held = await receiving.nextHeld();
      setImmediate(() => held.finish({ ok: true, rejected: 0, message: "" }));
    }
  })();
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const body = Buffer.alloc(1 + ((i * 7_919) % 60_000), i);
      const plain = i % 3 !== 0;
      const headers = plain ? {} : { "content-encoding": "gzip" };
      return (await post(receiving.httpPort, "/v1/logs", plain ? body : gzipSync(body), headers)).status;
    }),
  );
  const count = (wanted: number): number => statuses.filter((status) => status === wanted).length;
  assert.equal(count(200) + count(429) + count(503), 200, statuses.join());
  assert.ok(count(200) > 0);
  assert.equal(count(200), receiving.carried.length);
  assert.ok(receiving.peakBytes <= limits.maxInFlightBytes + limits.maxRequestBytes);
  await receiving.settled();
  assert.equal(receiving.admission.inFlightBytes, 0);
});
