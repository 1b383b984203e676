import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { prepare } from "../../src/generate/generate.ts";
import { COMPRESSIONS } from "../../src/otlp/compress.ts";
import { SIGNAL_FACTS, SIGNALS } from "../../src/otlp/signal.ts";
import { createAuthority } from "../support/certs.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { exportResponse } from "../support/sinks/sink-reply.ts";
import { refusing } from "../support/sinks/sink-script.ts";
import { batchOf, openTo, send, summary, TWO_SPANS } from "./send.ts";

const HTTP = "http/protobuf";

/** A server that answers every request with `reply`, for what no OTLP server does. */
async function openRaw(reply: (response: ServerResponse) => void): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => reply(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  return {
    url: `http://127.0.0.1:${bound.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const RETRIED: Readonly<Record<number, string>> = {
  429: "retry throttled",
  502: "retry unavailable",
  503: "retry unavailable",
  504: "retry timeout",
};

const ELSEWHERE: ReadonlySet<number> = new Set([301, 302, 307, 308, 404, 405]);

test("HTTP: every status of the OTLP table, with and without Retry-After", async () => {
  await using sink = await openHttpSink();
  await using client = openTo(sink.url, HTTP);
  const statuses = [301, 302, 307, 308, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 500, 501, 502, 503, 504, 505];
  for (const status of statuses) {
    const retried = RETRIED[status];
    const refused = ELSEWHERE.has(status) ? "elsewhere" : `rejected${status === 400 ? " bad data" : ""}`;
    const kept = status === 413 ? "too_large" : `${refused} HTTP ${status}`;
    sink.script = refusing(status, { message: "why" });
    const plain = await send(client);
    assert.deepEqual([summary(plain), plain.message], [retried ?? kept, `HTTP ${status}: why`]);
    sink.script = refusing(status, { message: "why", retryAfterMs: 2_000 });
    const hinted = await send(client);
    const named = status === 503 ? "retry throttled" : retried;
    assert.equal(summary(hinted), named === undefined ? kept : `${named} 2000`);
  }
});

test("HTTP: a redirect is not followed", async () => {
  await using other = await openHttpSink();
  await using raw = await openRaw((response) => response.writeHead(307, { location: `${other.url}/v1/traces` }).end());
  await using client = openTo(raw.url, HTTP);
  assert.equal(summary(await send(client)), "elsewhere HTTP 307");
  assert.equal(other.counts().requests, 0);
});

const COMPRESSED: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ["gzip", gzipSync],
  ["x-gzip", gzipSync],
  ["GZIP", gzipSync],
  ["deflate", deflateSync],
  ["zstd", zstdCompressSync],
];

/** A head in which everything is said twice. */
function twice(type: string): string[] {
  const one = ["content-type", type, "retry-after", "3", "endpoint-load-metrics", "TEXT cpu_utilization=0.3"];
  return [...one, ...one];
}

const PROTOBUF = { "content-type": "application/x-protobuf" };
const UNREADABLE = ""; // said to operators alone
const replies: { name: string; reply: (response: ServerResponse) => void; want: string; message?: string | RegExp }[] =
  [
    { name: "full success", reply: (r) => r.writeHead(200, PROTOBUF).end(), want: "accepted 0", message: "" },
    {
      name: "any 2xx without a body is success",
      reply: (r) => r.writeHead(204).end(),
      want: "accepted 0",
      message: "",
    },
    {
      name: "partial success is accepted, with what was rejected",
      reply: (r) => r.writeHead(200, PROTOBUF).end(exportResponse(3, "three are bad")),
      want: "accepted 3",
      message: "three are bad",
    },
    {
      name: "a 2xx with a body that is no protobuf is accepted: it must not be sent again",
      reply: (r) => r.writeHead(200, PROTOBUF).end(Buffer.of(0x0a, 0xff)),
      want: "accepted 0",
      message: UNREADABLE,
    },
    {
      name: "a 2xx with a body of another type is accepted",
      reply: (r) => r.writeHead(200, { "content-type": "text/html" }).end("<html>"),
      want: "accepted 0",
      message: UNREADABLE,
    },
    {
      name: "a 2xx above 4 MiB is accepted",
      reply: (r) => r.writeHead(200, PROTOBUF).end(Buffer.alloc(5 * 1024 * 1024)),
      want: "accepted 0",
      message: UNREADABLE,
    },
    {
      name: "a 2xx whose body breaks off is accepted",
      reply: (r) => r.writeHead(200, { ...PROTOBUF, "content-length": 10 }).write("12345", () => r.destroy()),
      want: "accepted 0",
      message: UNREADABLE,
    },
    {
      name: "an error above 4 MiB is no reason to send again",
      reply: (r) => r.writeHead(503, PROTOBUF).end(Buffer.alloc(5 * 1024 * 1024)),
      want: "rejected HTTP 503",
    },
    {
      name: "the message of an error in plain text is told on, cut",
      reply: (r) => r.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end("x".repeat(1_000)),
      want: "rejected HTTP 500",
      message: `HTTP 500: ${"x".repeat(200)}`,
    },
    {
      name: "a page in place of a message is not told on",
      reply: (r) => r.writeHead(502, { "content-type": "text/html" }).end("<html>"),
      want: "retry unavailable",
      message: "HTTP 502",
    },
    {
      name: "an error whose Status cannot be read is what its code says",
      reply: (r) => r.writeHead(400, PROTOBUF).end(Buffer.of(0xff)),
      want: "rejected bad data HTTP 400",
      message: "HTTP 400",
    },
    {
      name: "a media type in capitals is the same one",
      reply: (r) => r.writeHead(200, { "content-type": "Application/X-Protobuf" }).end(exportResponse(3, "three")),
      want: "accepted 3",
      message: "three",
    },
    {
      name: "headers that come twice are no fault: a partial success",
      reply: (r) => r.writeHead(200, twice("application/x-protobuf")).end(exportResponse(3, "three")),
      want: "accepted 3",
      message: "three",
    },
    {
      name: "headers that come twice are no fault: a refusal for good",
      reply: (r) => r.writeHead(400, twice("text/plain")).end("why"),
      want: "rejected bad data HTTP 400",
      message: "HTTP 400: why",
    },
    {
      name: "of two Retry-Afters the shorter counts",
      reply: (r) => r.writeHead(503, ["retry-after", "7", "retry-after", "soon", "retry-after", "3"]).end(),
      want: "retry throttled 3000",
    },
    {
      name: "a refusal whose body breaks off is what its status says",
      reply: (r) => r.writeHead(400, { ...PROTOBUF, "content-length": 10 }).write("12345", () => r.destroy()),
      want: "rejected bad data HTTP 400",
      message: "HTTP 400",
    },
    ...COMPRESSED.map(([encoding, compress]) => ({
      name: `a reply in ${encoding} is read`,
      reply: (r: ServerResponse) =>
        r.writeHead(200, { ...PROTOBUF, "content-encoding": encoding }).end(compress(exportResponse(3, "three"))),
      want: "accepted 3",
      message: "three",
    })),
    {
      name: "a compressed refusal is read, too",
      reply: (r) => r.writeHead(400, { "content-type": "text/plain", "content-encoding": "gzip" }).end(gzipSync("why")),
      want: "rejected bad data HTTP 400",
      message: "HTTP 400: why",
    },
    {
      name: "a success that says it is compressed and is not is accepted",
      reply: (r) => r.writeHead(200, { ...PROTOBUF, "content-encoding": "gzip" }).end(exportResponse(3, "three")),
      want: "accepted 0",
      message: UNREADABLE,
    },
    {
      name: "a success in an encoding that nobody asked for is accepted",
      reply: (r) => r.writeHead(200, { ...PROTOBUF, "content-encoding": "br" }).end("x"),
      want: "accepted 0",
      message: UNREADABLE,
    },
    {
      name: "a success that inflates to more than 4 MiB is accepted",
      reply: (r) =>
        r.writeHead(200, { ...PROTOBUF, "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(64 * 1024 * 1024))),
      want: "accepted 0",
      message: UNREADABLE,
    },
    {
      name: "Retry-After may be a date",
      reply: (r) => r.writeHead(503, { "retry-after": new Date(Date.now() + 3_600_000).toUTCString() }).end(), // oxlint-disable-line no-restricted-globals -- the wire has wall time
      want: "retry throttled",
    },
  ];
for (const { name, reply, want, message } of replies) {
  test(`HTTP: ${name}`, async () => {
    await using raw = await openRaw(reply);
    await using client = openTo(raw.url, HTTP);
    const outcome = await send(client);
    assert.equal(summary(outcome).replace(/ \d{6,}.*$/u, ""), want);
    if (message !== undefined) assert.equal(outcome.message, message);
  });
}

for (const interim of [
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\nx: y\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
]) {
  for (const step of [1, 7, 1_000]) {
    test(`HTTP: ${JSON.stringify(interim)}, ${step} bytes at a time, is passed over, on a kept connection, too`, async () => {
      let requests = 0;
      let connections = 0;
      const server = createTcpServer({ noDelay: true }, (socket) => {
        connections++;
        socket.on("error", () => undefined);
        socket.on("data", () => {
          const reply = Buffer.from(`${interim}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`);
          requests++;
          for (let at = 0; at < reply.length; at += step) socket.write(reply.subarray(at, at + step));
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const bound = server.address();
      assert.ok(bound !== null && typeof bound === "object");
      const client = openTo(`http://127.0.0.1:${bound.port}`, HTTP);
      for (let call = 0; call < 10; call++) assert.equal(summary(await send(client)), "accepted 0");
      assert.equal(requests, 10);
      assert.ok(connections <= 3, `${connections} connections`);
      await client[Symbol.asyncDispose]();
      await new Promise((resolve) => server.close(resolve));
    });
  }
}

for (const [what, lines, want] of [
  [
    "a final 400 with its length twice",
    ["400 Bad Request", "content-length: 2", "content-length: 2"],
    "rejected bad data HTTP 400",
  ],
  [
    "a final 400 with two lengths",
    ["400 Bad Request", "content-length: 2", "content-length: 9"],
    "rejected bad data HTTP 400",
  ],
  ["a success with its length twice", ["200 OK", "Content-Length: 2", "content-length:2"], "accepted 0"],
  ["a success with two lengths", ["200 OK", "content-length: 2", "content-length: 9"], "accepted 0"],
] as const) {
  for (const step of [1, 1_000]) {
    test(`HTTP: ${what}, ${step} bytes at a time, is what it says, on the next call, too`, async () => {
      let requests = 0;
      const server = createTcpServer({ noDelay: true }, (socket) => {
        socket.on("error", () => undefined);
        socket.on("data", () => {
          requests++;
          const reply = Buffer.from(`HTTP/1.1 ${lines.join("\r\n")}\r\n\r\nno`);
          for (let at = 0; at < reply.length; at += step) socket.write(reply.subarray(at, at + step));
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const bound = server.address();
      assert.ok(bound !== null && typeof bound === "object");
      const client = openTo(`http://127.0.0.1:${bound.port}`, HTTP);
      for (let call = 0; call < 3; call++) assert.equal(summary(await send(client)), want);
      assert.equal(requests, 3);
      await client[Symbol.asyncDispose]();
      await new Promise((resolve) => server.close(resolve));
    });
  }
}

test("HTTP: what may compress replies is named, and nothing else", async () => {
  await using sink = await openHttpSink();
  await using client = openTo(sink.url, HTTP, { headers: { "accept-encoding": "br" } });
  await send(client);
  assert.equal(sink.requests[0]!.headers["accept-encoding"], "gzip, deflate, zstd");
});

test("HTTP: pieces arrive as one request, with the target's headers, our user agent and the protobuf type", async () => {
  await using sink = await openHttpSink();
  await using client = openTo(`${sink.url}/base/path`, HTTP, { headers: { "x-tenant": "blue" } });
  await send(client);
  const { path, headers, body } = sink.requests[0]!;
  assert.equal(path, "/base/path/v1/traces");
  assert.deepEqual(Buffer.from(body), Buffer.concat(TWO_SPANS));
  assert.deepEqual([headers["x-tenant"], headers["content-type"]], ["blue", "application/x-protobuf"]);
  assert.match(headers["user-agent"] ?? "", /^Signalbox\/\d+\.\d+\.\d+/u);
  assert.equal(headers["content-length"], "12");
});

test("HTTP: each signal has its own path", async () => {
  await using sink = await openHttpSink();
  await using client = openTo(sink.url, HTTP);
  for (const signal of SIGNALS) await send(client, batchOf(TWO_SPANS, signal));
  assert.deepEqual(
    sink.requests.map(({ path }) => path),
    SIGNALS.map((signal) => SIGNAL_FACTS[signal].httpPath),
  );
});

test("HTTP: connections are kept", async () => {
  await using sink = await openHttpSink();
  await using client = openTo(sink.url, HTTP);
  for (let i = 0; i < 50; i++) await send(client);
  assert.ok(sink.counts().connections <= 3, `${sink.counts().connections} connections for 50 requests`);
});

for (const compression of COMPRESSIONS) {
  test(`HTTP: ${compression} is applied to what is worth it, and unpacks to the same bytes`, async () => {
    await using sink = await openHttpSink();
    await using client = openTo(sink.url, HTTP, { compression });
    const many = Array.from({ length: 10_000 }, () => TWO_SPANS[0]!);
    await send(client, batchOf(many));
    await send(client);
    assert.deepEqual(
      sink.requests.map(({ encoding, items }) => [encoding, items]),
      [
        [compression, 10_000],
        ["identity", 2],
      ],
    );
  });
}

test("HTTP: a higher level of compression sends fewer bytes", async () => {
  await using sink = await openHttpSink();
  const options = { items: 100, resources: 1, services: ["a"], seed: 1, wallMs: 1_750_000_000_000 };
  const { bytes } = prepare("traces", "protobuf", options);
  for (const compressionLevel of [1, 6]) {
    await using client = openTo(sink.url, HTTP, { compression: "gzip", compressionLevel });
    assert.equal(summary(await send(client, batchOf([bytes]))), "accepted 0");
  }
  const [fast = 0, short = 0] = sink.requests.map(({ headers }) => Number(headers["content-length"]));
  assert.ok(short < fast, `${short} and ${fast} bytes`);
});

test("HTTP: TLS, with the authority and the client certificate of the config", async () => {
  const authority = await createAuthority();
  const server = await authority.server();
  const identity = await authority.client();
  await using sink = await openHttpSink({ tls: { ...server, ca: authority.ca } });
  const tls = { ca: authority.ca, ...identity, serverName: undefined, insecureSkipVerify: false };
  await using client = openTo(sink.url, HTTP, { tls });
  assert.equal(summary(await send(client)), "accepted 0");
  await using stranger = openTo(sink.url, HTTP, { tls: { ...tls, ca: undefined } });
  assert.equal(summary(await send(stranger)), "retry connect");
});
