import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { UnaryResult } from "../../src/http2/port.ts";
import {
  ask,
  clientOptions,
  framed,
  type Guarantees,
  Happenings,
  manualEnv,
  PATH,
  rawServer,
  request,
  type UnaryTransport,
  utf8,
} from "./rig.ts";

/** What a raw server answers with. */
interface Wire {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array;
  /** Undefined: the stream ends without trailers. */
  readonly trailers?: OutgoingHttpHeaders;
}

function answer(stream: ServerHttp2Stream, wire: Wire): void {
  const headers = { ":status": 200, "content-type": "application/grpc", ...wire.headers };
  stream.resume();
  if (wire.body === undefined && wire.trailers === undefined) {
    stream.respond(headers, { endStream: true });
    return;
  }
  const { trailers } = wire;
  stream.respond(headers, { waitForTrailers: trailers !== undefined });
  if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(wire.body);
}

async function resultOf(transport: UnaryTransport, wire: Wire): Promise<UnaryResult> {
  await using server = await rawServer((stream) => answer(stream, wire));
  await using client = transport.connect(clientOptions(server.port, { maxResponseBytes: 1_000 }), manualEnv());
  return await ask(client);
}

type Expected = Readonly<Record<string, unknown>>;

const OK_BODY = framed(utf8("fine"));
const OK_TRAILERS = { "grpc-status": "0" };
const DETAILS = { status: 3, details: Buffer.from([1, 2, 3, 4]) };

/** What the server sends, and what of the result follows from it. */
const REPLIES: Readonly<Record<string, Wire & { readonly want: Expected }>> = {
  "data and trailers": {
    body: OK_BODY,
    trailers: OK_TRAILERS,
    want: { kind: "answer", status: 0, text: "", details: undefined, message: Buffer.from("fine") },
  },
  "trailers only": {
    headers: { "grpc-status": "14", "grpc-message": "not now" },
    want: { kind: "answer", status: 14, text: "not now", details: undefined, message: new Uint8Array(0) },
  },
  "an error after data: the message is not handed over": {
    body: OK_BODY,
    trailers: { "grpc-status": "2", "grpc-message": "oh" },
    want: { kind: "answer", status: 2, text: "oh", message: new Uint8Array(0) },
  },
  "details without padding": { headers: { "grpc-status": "3", "grpc-status-details-bin": "AQIDBA" }, want: DETAILS },
  "details with padding": { headers: { "grpc-status": "3", "grpc-status-details-bin": "AQIDBA==" }, want: DETAILS },
  "details that are not base64 are left out": {
    headers: { "grpc-status": "3", "grpc-status-details-bin": "%%%" },
    want: { status: 3, details: undefined },
  },
  "a percent-encoded text": {
    headers: { "grpc-status": "3", "grpc-message": "50%25 gr%C3%BCn %F0%9F%9A%A6" },
    want: { text: "50% grün 🚦" },
  },
  "a text with malformed percent signs is taken as it is": {
    headers: { "grpc-status": "3", "grpc-message": "100% %zz %4" },
    want: { text: "100% %zz %4" },
  },
  "an unknown status number is passed on": { headers: { "grpc-status": "99" }, want: { kind: "answer", status: 99 } },
  "a status that is no number": { headers: { "grpc-status": "fine" }, want: { kind: "failed", reason: "protocol" } },
  "no grpc-status": { body: OK_BODY, want: { kind: "failed", reason: "protocol", unprocessed: false } },
  "headers alone, without grpc-status": { want: { kind: "failed", reason: "protocol" } },
  "a status that comes twice is one": {
    body: OK_BODY,
    trailers: { "grpc-status": ["0", "0"] },
    want: { kind: "answer", status: 0, message: Buffer.from("fine") },
  },
  "of several the first that is a status counts": {
    headers: { "grpc-status": ["fine", "3", "14"] },
    want: { kind: "answer", status: 3 },
  },
  "a malformed status behind one that is well": {
    headers: { "grpc-status": "3" },
    body: OK_BODY,
    trailers: { "grpc-status": "fine" },
    want: { kind: "answer", status: 3 },
  },
  "of several delays the shortest counts": {
    headers: { "grpc-status": "8", "grpc-retry-pushback-ms": ["7000", "soon", "3000"] },
    want: { status: 8, retryAfterMs: 3_000 },
  },
  "OK without a message is an empty one": {
    headers: OK_TRAILERS,
    want: { kind: "answer", status: 0, message: new Uint8Array(0) },
  },
  "OK without a message, in trailers": {
    body: new Uint8Array(0),
    trailers: OK_TRAILERS,
    want: { kind: "answer", status: 0, message: new Uint8Array(0) },
  },
  "OK with half a message": {
    body: OK_BODY.subarray(0, 7),
    trailers: OK_TRAILERS,
    want: { kind: "answer", status: 0, unreadable: true },
  },
  "two messages": {
    body: Buffer.concat([OK_BODY, OK_BODY]),
    trailers: OK_TRAILERS,
    want: { kind: "answer", status: 0, unreadable: true },
  },
  "bytes after the message, and a refusal": {
    body: Buffer.concat([OK_BODY, OK_BODY]),
    trailers: { "grpc-status": "3" },
    want: { kind: "answer", status: 3 },
  },
  "a message with an unknown flag": {
    body: framed(utf8("zip"), 7),
    trailers: OK_TRAILERS,
    want: { kind: "answer", status: 0, unreadable: true },
  },
  "a compressed message is handed over as it is": {
    headers: { "grpc-encoding": "GZIP" },
    body: framed(utf8("zip"), 1),
    trailers: OK_TRAILERS,
    want: { kind: "answer", status: 0, message: Buffer.from("zip"), messageEncoding: "gzip" },
  },
  "a compressed message that does not say how": {
    body: framed(utf8("zip"), 1),
    trailers: OK_TRAILERS,
    want: { kind: "answer", status: 0, messageEncoding: "identity" },
  },
  "an uncompressed message of a server that could compress": {
    headers: { "grpc-encoding": "gzip" },
    body: OK_BODY,
    trailers: OK_TRAILERS,
    want: { kind: "answer", status: 0, messageEncoding: undefined },
  },
  "a message above the limit is not kept, and the status behind it counts": {
    body: framed(new Uint8Array(3_000)),
    trailers: OK_TRAILERS,
    want: { kind: "answer", status: 0, unreadable: true },
  },
  "a refusal behind a message above the limit": {
    body: framed(new Uint8Array(3_000)),
    trailers: { "grpc-status": "3" },
    want: { kind: "answer", status: 3 },
  },
  "what goes on far above the limit is not waited for": {
    body: framed(new Uint8Array(4_001)),
    trailers: OK_TRAILERS,
    want: { kind: "failed", reason: "too_large" },
  },
  "an HTTP status without gRPC": {
    headers: { ":status": 503, "content-type": "text/html", "retry-after": "7" },
    body: utf8("<h1>down</h1>"),
    want: { kind: "failed", reason: "http_status", httpStatus: 503, retryAfterMs: 7_000, unprocessed: false },
  },
  "an HTTP status with grpc-status: gRPC wins": {
    headers: { ":status": 429, "grpc-status": "8" },
    want: { kind: "answer", status: 8 },
  },
  "a pushback in the trailers": {
    headers: { "grpc-status": "8", "grpc-retry-pushback-ms": "1500" },
    want: { status: 8, retryAfterMs: 1_500 },
  },
  "a pushback that says never, and a retry-after that is a date": {
    headers: { "grpc-status": "8", "grpc-retry-pushback-ms": "-1", "retry-after": "Wed, 21 Oct 2037 07:28:00 GMT" },
    want: { status: 8, retryAfterMs: undefined },
  },
};

function replyRows(): Guarantees {
  const guarantees: Record<string, (transport: UnaryTransport) => Promise<void>> = {};
  for (const [name, { want, ...wire }] of Object.entries(REPLIES)) {
    guarantees[`reply: ${name}`] = async (transport) => {
      const result: Readonly<Record<string, unknown>> = { ...(await resultOf(transport, wire)) };
      for (const [field, value] of Object.entries(want)) {
        const seen = result[field];
        if (value instanceof Uint8Array && seen instanceof Uint8Array)
          assert.ok(Buffer.from(seen).equals(value), field);
        else assert.deepEqual(seen, value, field);
      }
    };
  }
  return guarantees;
}

/** What the client sends, and what it makes of a reply. */
export const REPLY_READING: Guarantees = {
  ...replyRows(),
  "the request has the headers of gRPC, and metadata does not replace them": async (transport) => {
    const seen = new Happenings<IncomingHttpHeaders>();
    await using server = await rawServer((stream, headers) => {
      seen.add(headers);
      answer(stream, { body: OK_BODY, trailers: OK_TRAILERS });
    });
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const metadata = { "x-tenant": "a", te: "x", "content-type": "text/plain", "grpc-timeout": "1S", ":path": "/evil" };
    await ask(client, request([utf8("x")], { metadata, timeoutMs: 2_500 }));
    const { ":method": method, ":path": path, ":scheme": scheme, ":authority": authority, ...rest } = await seen.next();
    assert.deepEqual([method, path, scheme, authority], ["POST", PATH, "http", `127.0.0.1:${server.port}`]);
    assert.deepEqual(
      Object.fromEntries(Object.entries(rest)), // without node's own symbol
      {
        te: "trailers",
        "content-type": "application/grpc",
        "user-agent": "rig/1",
        "grpc-timeout": "2500m",
        "grpc-accept-encoding": "identity,gzip,deflate,zstd",
        "x-tenant": "a",
      },
    );
  },
  "a gzip message is sent with its flag, an identity one without": async (transport) => {
    const seen = new Happenings<readonly unknown[]>();
    await using server = await rawServer((stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        seen.add([headers["grpc-encoding"], Buffer.concat(chunks).toString("hex")]);
        answer(stream, { body: OK_BODY, trailers: OK_TRAILERS });
      });
    });
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    for (const encoding of ["gzip", "identity"] as const)
      await ask(client, request([utf8("A"), utf8("B")], { encoding }));
    assert.deepEqual(seen.all, [
      ["gzip", "01000000024142"],
      [undefined, "00000000024142"],
    ]);
  },
  "metadata that is no header fails its call alone": async (transport) => {
    await using server = await rawServer((stream) => answer(stream, { body: OK_BODY, trailers: OK_TRAILERS }));
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    for (const metadata of [{ "bad name": "x" }, { "x-a": "line\nbreak" }, { connection: "close" }]) {
      const result = await ask(client, request([utf8("x")], { metadata }));
      assert.ok(result.kind === "failed" && result.unprocessed, JSON.stringify(metadata));
    }
    assert.equal((await ask(client)).kind, "answer");
  },
  "a reply that comes before the message was sent ends the sending": async (transport) => {
    const closed = new Happenings<number>();
    await using server = await rawServer((stream) => {
      stream.on("close", () => closed.add(stream.rstCode));
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "8" }, { endStream: true });
    });
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const result = await ask(client, request([new Uint8Array(8 * 1_048_576)]));
    assert.equal(result.kind === "answer" && result.status, 8);
    await closed.next();
  },
  "a reply in one-byte DATA frames is read": async (transport) => {
    await using server = await rawServer((stream) => {
      stream.resume();
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers(OK_TRAILERS));
      stream.on("end", () => void dribble(stream));
    });
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const result = await ask(client);
    assert.equal(result.kind === "answer" && Buffer.from(result.message).toString(), "fine");
  },
};

async function dribble(stream: ServerHttp2Stream): Promise<void> {
  for (const byte of OK_BODY) {
    await new Promise((written) => stream.write(Uint8Array.of(byte), written));
  }
  stream.end();
  await once(stream, "close");
}
