import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { SIGNALS } from "../../../src/otlp/signal.ts";
import { createAuthority } from "../../support/certs.ts";
import { namesIn, requestOf } from "../../support/items.ts";
import { startTestNode, type TestNode } from "../../support/node.ts";
import { OtlpSender, type SendVariant } from "../../support/otlp-sender.ts";
import { openHttpSink } from "../../support/sinks/http-sink.ts";
import { OK, refusing } from "../../support/sinks/sink-script.ts";
import { largeSpan, MIB, names, span } from "../items.ts";
import { needs } from "../needs.ts";
import { type HttpConfig, type Nginx, startNginx } from "./nginx.ts";

const NGINX = needs("nginx");

/** nginx as a reverse proxy, with connections to the address that stay open. */
function proxying(address: string, more = ""): HttpConfig {
  return (port) => `
  upstream otlp { server ${address}; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    ${more}
    location / {
      proxy_pass http://otlp;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }`;
}

/** Sends by OTLP/HTTP to nginx. */
function senderTo(nginx: Nginx): OtlpSender {
  return new OtlpSender({ grpc: "", http: nginx.address });
}

function nodeTo(endpoint: string, target: Readonly<Record<string, unknown>> = {}): Promise<TestNode> {
  return startTestNode({
    targets: [{ id: "a", endpoint, protocol: "http/protobuf", ...target }],
    default_pool: { targets: ["a"], batch: { max_items: 1 }, retry: { initial: "20ms" } },
  });
}

for (const gzip of [false, true]) {
  test(`nginx: OTLP/HTTP that it passes to us arrives${gzip ? ", compressed, too" : ""}`, NGINX, async () => {
    await using sink = await openHttpSink();
    const targets = [{ id: "a", protocol: "http/protobuf", compression: gzip ? "gzip" : "none" }];
    await using node = await startTestNode({ targets }, { sinks: { a: sink } });
    await using nginx = await startNginx(proxying(node.http));
    await using sender = senderTo(nginx);
    for (const signal of SIGNALS) {
      const { ok, message } = await sender.send("http", signal, requestOf(signal, [{ name: signal }]), { gzip });
      assert.ok(ok, message);
    }
    const json = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: "json" }] }] }] });
    assert.ok((await sender.send("json", "traces", Buffer.from(json), { gzip })).ok);
    assert.ok((await sender.send("http", "traces", largeSpan(4 * MIB), { gzip })).ok);
    assert.deepEqual(namesIn(sink.requests).slice(0, 4), [...SIGNALS, "json"]);
    assert.equal(sink.counts().acceptedItems, 5);
  });
}

const REFUSED: readonly { readonly way: SendVariant; readonly body: Uint8Array }[] = [
  { way: "http", body: span("refused") },
  { way: "json", body: Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"refused"}]}]}]}') },
];
for (const { way, body } of REFUSED) {
  test(`nginx: what we refuse over ${way} gets through it with Retry-After and its message`, NGINX, async () => {
    await using sink = await openHttpSink({ script: refusing(503, { message: "not now", retryAfterMs: 60_000 }) });
    const targets = [{ id: "a", protocol: "http/protobuf" }];
    const pool = { targets: ["a"], retry: { max_retries: 0 } };
    await using node = await startTestNode({ targets, default_pool: pool }, { sinks: { a: sink } });
    await using nginx = await startNginx(proxying(node.http));
    await using sender = senderTo(nginx);
    const { code, message, retryMs } = await sender.send(way, "traces", body);
    assert.equal(code, 503);
    assert.notEqual(message, "");
    assert.ok(retryMs !== undefined && retryMs > 0);
  });
}

test(
  "nginx: a long request that we refuse by its head is told as 413 by way of it, too, each time",
  NGINX,
  async () => {
    await using node = await startTestNode({ node: { limits: { max_request_bytes: "100KiB" } } });
    await using nginx = await startNginx(proxying(node.http));
    await using sender = senderTo(nginx);
    const large = largeSpan(8 * MIB);
    for (let times = 0; times < 5; times++) assert.equal((await sender.send("http", "traces", large)).code, 413);
  },
);

test("nginx: of 1,000 OTLP/HTTP requests through it on both sides of us each arrives once", NGINX, async () => {
  await using sink = await openHttpSink();
  await using behind = await startNginx(proxying(`127.0.0.1:${sink.port}`));
  await using node = await nodeTo(`http://${behind.address}`, { limits: { max_in_flight: 50 } });
  await using front = await startNginx(proxying(node.http));
  await using sender = senderTo(front);
  const sent = names(1_000);
  const ends = await Promise.all(sent.map((name) => sender.send("http", "traces", span(name))));
  assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([200]));
  assert.deepEqual(namesIn(sink.requests).toSorted(), sent.toSorted());
});

test(
  "nginx: a reload of it on both sides of us in the middle of OTLP/HTTP requests loses none, and sends none twice",
  NGINX,
  async () => {
    const reloaded = Promise.withResolvers<void>();
    await using sink = await openHttpSink({ script: () => ({ kind: "held", until: reloaded.promise, next: OK }) });
    await using behind = await startNginx(proxying(`127.0.0.1:${sink.port}`));
    await using node = await nodeTo(`http://${behind.address}`);
    await using front = await startNginx(proxying(node.http));
    await using sender = senderTo(front);
    const sent = names(100);
    const ends = Promise.all(sent.map((name) => sender.send("http", "traces", span(name))));
    // nginx that goes cuts connections on which it has read nothing yet: HTTP/1.1 has no way to
    // tell of that.
    while ((await node.inFlight()).requests < 100) await turn();
    await Promise.all([front.reload(), behind.reload()]);
    reloaded.resolve();
    assert.deepEqual(new Set((await ends).map(({ code }) => code)), new Set([200]));
    await Promise.all([front.oldWorkersGone(), behind.oldWorkersGone()]);
    assert.deepEqual(namesIn(sink.requests).toSorted(), sent.toSorted());
  },
);

test("nginx: our OTLP/HTTP to it with mutual TLS arrives behind it", NGINX, async () => {
  const authority = await createAuthority();
  const [its, ours] = await Promise.all([authority.server(), authority.client()]);
  await using sink = await openHttpSink();
  await using nginx = await startNginx(
    (port, folder) => `
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${folder.write("cert.pem", its.cert)};
    ssl_certificate_key ${folder.write("key.pem", its.key)};
    ssl_client_certificate ${folder.write("ca.pem", authority.ca)};
    ssl_verify_client on;
    location / { proxy_pass http://127.0.0.1:${sink.port}; }
  }`,
  );
  await using node = await nodeTo(`https://${nginx.address}`, { tls: { ca: authority.ca, ...ours } });
  await using sender = new OtlpSender(node);
  const sent = [span("small"), largeSpan(4 * MIB)];
  for (const message of sent) assert.ok((await sender.send("http", "traces", message)).ok);
  assert.deepEqual(
    sink.requests.map(({ body }) => body.length),
    sent.map(({ length }) => length),
  );
});

test("nginx: its 502, when what is behind it is away, is tried again over HTTP until it is back", NGINX, async () => {
  await using sink = await openHttpSink();
  await using nginx = await startNginx(proxying(`127.0.0.1:${sink.port}`));
  await using node = await nodeTo(`http://${nginx.address}`);
  await using sender = new OtlpSender(node);
  await sink.kill();
  const sent = sender.send("http", "traces", span("patient"));
  while ((await node.metric("poolRetries")) === 0) await turn();
  await sink.start();
  assert.ok((await sent).ok);
  assert.deepEqual(namesIn(sink.requests), ["patient"]);
});
