import assert from "node:assert/strict";
import { test } from "node:test";
import { SIGNAL_FACTS, type Signal } from "../../src/otlp/signal.ts";
import { callApi } from "../admin/api-client.ts";
import { ask, type HttpAnswer, post } from "../receive/http-client.ts";
import { createAuthority } from "../support/certs.ts";
import { namesIn, requestOf } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { refusal, TestProxy } from "../support/proxy.ts";
import { encodeRequest } from "../support/oracle/oracle.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { OK, type SinkAnswer, type SinkRequest } from "../support/sinks/sink-script.ts";
import { exampleWith, validateExample } from "./example.ts";

const SHOP = "https://shop.example.com";
const VENDOR = "ingest.example.com";
const TEMPO = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

interface Parts {
  readonly node: TestNode;
  readonly tempo: readonly Sink[];
  readonly mimir: Sink;
  readonly loki: Sink;
  readonly vendor: Sink;
  readonly proxy: TestProxy;
  readonly resolver: ScriptedResolver;
}

/**
 * The example with its listeners on free ports, its targets at sinks, the vendor behind a proxy
 * that knows where it is.
 */
class Scene implements AsyncDisposable {
  readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  static async open(): Promise<Scene> {
    const authority = await createAuthority();
    const first = await openGrpcSink({ host: TEMPO[0]! });
    const others = TEMPO.slice(1).map((host) => openGrpcSink({ host, port: first.port }));
    const tempo = [first, ...(await Promise.all(others))];
    const mimir = await openHttpSink({ script: ({ signal }) => (signal === "logs" ? NOT_FOUND : OK) });
    const loki = await openHttpSink();
    const vendor = await openHttpSink({ tls: await authority.server([VENDOR]) });
    const proxy = await TestProxy.open();
    const text = exampleWith("gateway.yaml", {
      '"127.0.0.1:4317"': '"127.0.0.1:0"',
      '"127.0.0.1:4318"': '"127.0.0.1:0"',
      '"127.0.0.1:4320"': '"127.0.0.1:0"',
      "http://tempo.local:4317": `http://tempo.local:${first.port}`,
      "http://127.0.0.1:14318": mimir.url,
      "http://127.0.0.1:24318": loki.url,
      '"https://ingest.example.com"': `"https://${VENDOR}:${vendor.port}"\n    tls: { ca: ${JSON.stringify(authority.ca)} }`,
      "http://127.0.0.1:3128": proxy.url,
    });
    const resolver = new ScriptedResolver();
    const node = await startTestNode(text, { resolver });
    resolver.find(TEMPO);
    return new Scene({ node, tempo, mimir, loki, vendor, proxy, resolver });
  }

  get #port(): number {
    return Number(this.parts.node.http.split(":").at(-1));
  }

  /** `tenant`: the sender's X-Scope-OrgID. */
  send(signal: Signal, name: string, tenant?: string): Promise<HttpAnswer> {
    const headers = tenant === undefined ? {} : { "X-Scope-OrgID": tenant };
    const body = requestOf(signal, [{ name, attributes: { text: name.repeat(100) } }]);
    return post(this.#port, SIGNAL_FACTS[signal].httpPath, body, headers);
  }

  async deliver(signal: Signal, name: string, tenant?: string): Promise<void> {
    const { status, body } = await this.send(signal, name, tenant);
    assert.equal(status, 200, body.toString("latin1"));
  }

  /** A span of a trace of its own, which it is named after. */
  async deliverTrace(id: number): Promise<void> {
    const traceId = Buffer.alloc(16);
    traceId.writeUInt32BE((id * 2_654_435_761) % 2 ** 32, 4);
    const spans = [{ traceId, name: `trace ${id}` }];
    const body = encodeRequest("traces", { resourceSpans: [{ scopeSpans: [{ spans }] }] });
    assert.equal((await post(this.#port, "/v1/traces", body)).status, 200);
  }

  /** What a browser asks, or sends, from a page of the origin. */
  fromPage(method: string, origin: string): Promise<HttpAnswer> {
    const asked = { "access-control-request-method": "POST", "access-control-request-headers": "x-scope-orgid" };
    const headers = method === "OPTIONS" ? asked : { "content-type": "application/x-protobuf" };
    const body = requestOf("metrics", [{ name: "page" }]);
    return ask(this.#port, "/v1/metrics", {
      method,
      headers: { ...headers, origin },
      ...(method === "POST" && { body }),
    });
  }

  async target(id: string): Promise<Record<string, unknown>> {
    return (await callApi(this.parts.node.admin, `/api/v1/targets/${id}`)).json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { node, tempo, mimir, loki, vendor, proxy } = this.parts;
    await node[Symbol.asyncDispose]();
    for (const open of [...tempo, mimir, loki, vendor, proxy]) await open[Symbol.asyncDispose]();
  }
}

const NOT_FOUND: SinkAnswer = { kind: "status", code: 404, message: "page not found" };

/** Requests with something in them: empty ones are checks. */
function full({ requests }: Sink): SinkRequest[] {
  return requests.filter(({ items }) => items > 0);
}

test("gateway.yaml: it loads, and nothing is to be said about it", () => {
  const { exitCode, stdout } = validateExample("gateway.yaml");
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /0 errors, 0 warnings/u);
});

test("gateway.yaml: browsers of the shop may send; other origins get no CORS header at all", async () => {
  await using scene = await Scene.open();
  for (const origin of [SHOP, "https://pr-1.dev.example.com"]) {
    const preflight = await scene.fromPage("OPTIONS", origin);
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers["access-control-allow-origin"], origin);
    assert.match(preflight.headers["access-control-allow-headers"] ?? "", /\bx-scope-orgid\b/u);
    assert.equal(preflight.headers["access-control-max-age"], "7200");
    const sent = await scene.fromPage("POST", origin);
    assert.deepEqual([sent.status, sent.headers["access-control-allow-origin"]], [200, origin]);
  }
  for (const method of ["OPTIONS", "POST"]) {
    const { headers } = await scene.fromPage(method, "https://shop.example.com.evil.test");
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith("access-control-")),
      [],
    );
  }
});

test("gateway.yaml: a sender's tenant goes along, and requests of different tenants never share a batch", async () => {
  await using scene = await Scene.open();
  const { mimir, tempo } = scene.parts;
  const tenants = ["blue", "green", undefined];
  const all = Array.from({ length: 60 }, (_, i) => tenants[i % 3]);
  await Promise.all(
    all.flatMap((tenant, i) => [
      scene.deliver("metrics", `${tenant ?? "nobody"} ${i}`, tenant),
      scene.deliver("traces", `${tenant ?? "nobody"} ${i}`, tenant),
    ]),
  );
  assert.equal(namesIn(full(mimir)).length, 60);
  assert.equal(namesIn(tempo.flatMap(full)).length, 60);
  for (const request of [...full(mimir), ...tempo.flatMap(full)]) {
    const owner = request.headers["x-scope-orgid"] ?? "nobody";
    for (const name of namesIn([request])) assert.equal(name.split(" ")[0], owner);
  }
  for (const { headers } of full(mimir)) assert.equal(headers["x-router"], "signalbox");
});

test("gateway.yaml: gold has its own pool, through the proxy, in zstd; a 403 of its quota is tried again", async () => {
  await using scene = await Scene.open();
  const { vendor, proxy, tempo, mimir } = scene.parts;
  let quota = 1;
  vendor.script = ({ items }) => (items > 0 && quota-- > 0 ? { kind: "status", code: 403, message: "quota" } : OK);
  await scene.deliver("traces", "a span of gold", "gold");
  await scene.deliver("logs", "a line of gold", "gold");
  assert.deepEqual(namesIn(full(vendor)), ["a span of gold", "a span of gold", "a line of gold"]);
  assert.ok(full(vendor).every(({ encoding }) => encoding === "zstd"));
  assert.ok(proxy.asked.length > 0 && proxy.asked.every(({ authority }) => authority === `${VENDOR}:${vendor.port}`));
  assert.deepEqual([...tempo.flatMap(full), ...full(mimir)], []);
  // Not the header, or of another value: the next rules.
  await scene.deliver("traces", "a span", "golden");
  assert.deepEqual(namesIn(tempo.flatMap(full)), ["a span"]);
});

test("gateway.yaml: what the proxy refuses is not the vendor's refusal, and what the vendor has not is final", async () => {
  await using scene = await Scene.open();
  const { vendor, proxy } = scene.parts;
  proxy.answer = refusal(404, "Not Found");
  const sent = scene.send("traces", "behind the proxy", "gold");
  await proxy.untilAsked(2); // again, as what has not left
  proxy.answer = { kind: "open" };
  assert.equal((await sent).status, 200);
  vendor.script = () => NOT_FOUND;
  const refused = await scene.send("traces", "final", "gold");
  assert.ok(refused.status >= 400 && refused.headers["retry-after"] === undefined, `${refused.status}`);
  assert.equal(namesIn(full(vendor)).filter((name) => name === "final").length, 1);
});

test("gateway.yaml: mimir takes no logs: they go to loki, and after a few mimir is not asked any more", async () => {
  await using scene = await Scene.open();
  const { mimir, loki } = scene.parts;
  for (let i = 0; i < 20; i++) await scene.deliver("logs", `line ${i}`, "blue");
  assert.equal(namesIn(full(loki)).length, 20);
  assert.ok(full(loki).every(({ headers }) => headers["x-scope-orgid"] === "blue"));
  const asked = full(mimir).length;
  assert.ok(asked > 0 && asked < 20, `${asked} of 20 went to mimir first`);
  const { refuses } = await scene.target("mimir");
  assert.ok(Array.isArray(refuses) && refuses.length === 1);
  assert.match(JSON.stringify(refuses), /"signal":"logs".*404/u);
  // And still takes metrics.
  await scene.deliver("metrics", "a metric");
  assert.deepEqual(namesIn(full(mimir).filter(({ signal }) => signal === "metrics")), ["a metric"]);
});

test("gateway.yaml: every address behind tempo.local is used, each with its own state", async () => {
  await using scene = await Scene.open();
  const { tempo } = scene.parts;
  const { addresses } = await scene.target("tempo");
  assert.ok(Array.isArray(addresses));
  assert.deepEqual(
    addresses.map((one: Record<string, unknown>) => one["address"]),
    TEMPO,
  );
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 60; i++) await scene.deliverTrace(i);
  }
  const places = tempo.map((sink) => namesIn(full(sink)));
  // All spans of a trace go to one of them.
  for (const names of places) assert.ok(names.length > 0 && names.length === 2 * new Set(names).size, names.join());
  assert.equal(places.flat().length, 120);
});
