import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { CorsPlan } from "../../src/plan/listen-options.ts";
import { openReceiving, type Receiving } from "./harness.ts";
import { ask, type HttpAnswer, post } from "./http-client.ts";

const SHOP = "https://shop.example.com";
const CORS: CorsPlan = {
  allowedOrigins: [SHOP, "https://*.dev.example.com"],
  allowedHeaders: ["X-Scope-OrgID"],
  maxAgeMs: 7_200_000,
};

let receiving: Receiving;
before(async () => {
  receiving = await openReceiving({ http: { cors: CORS } });
});
after(async () => receiving[Symbol.asyncDispose]());

function preflight(
  origin: string,
  headers = "content-type,x-scope-orgid",
  port = receiving.httpPort,
): Promise<HttpAnswer> {
  const asked = { "access-control-request-method": "POST", "access-control-request-headers": headers };
  return ask(port, "/v1/traces", { method: "OPTIONS", headers: { origin, ...asked } });
}

/** The headers of the CORS protocol in an answer. */
function corsOf({ headers }: HttpAnswer): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("access-control-")));
}

const GRANT = { "access-control-allow-origin": SHOP, "access-control-allow-credentials": "true" };

test("cors: a preflight of a listed origin gets 204 with what is allowed", async () => {
  const answer = await preflight(SHOP);
  assert.equal(answer.status, 204);
  assert.deepEqual([answer.body.length, answer.headers["content-length"]], [0, undefined]);
  assert.deepEqual(corsOf(answer), {
    ...GRANT,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "content-type, content-encoding, x-requested-with, x-scope-orgid",
    "access-control-max-age": "7200",
  });
  assert.match(answer.headers.vary ?? "", /\bOrigin\b/u);
});

test("cors: a preflight and a request of another origin get no header of it, and the request is served", async () => {
  for (const origin of ["https://evil.test", "null", "http://shop.example.com"]) {
    const asked = await preflight(origin);
    assert.deepEqual([asked.status, corsOf(asked)], [405, {}]);
    const sent = await post(receiving.httpPort, "/v1/traces", Buffer.alloc(0), { origin });
    assert.deepEqual([sent.status, corsOf(sent), sent.headers.vary], [200, {}, "Origin"]);
  }
});

test("cors: a reply names the origin and exposes Retry-After, with credentials", async () => {
  const origin = "https://pr-7.dev.example.com";
  const answer = await post(receiving.httpPort, "/v1/traces", Buffer.alloc(0), { origin });
  assert.equal(answer.status, 200);
  const exposed = { "access-control-expose-headers": "Retry-After" };
  assert.deepEqual(corsOf(answer), { ...GRANT, "access-control-allow-origin": origin, ...exposed });
  assert.equal(answer.headers.vary, "Origin");
});

test("cors: refusals can be read by pages, too: by the head, by the body, by the limits", async () => {
  const wrongType = { "content-type": "text/plain", origin: SHOP };
  const byHead = await ask(receiving.httpPort, "/v1/traces", { headers: wrongType });
  const byBody = await post(receiving.httpPort, "/v1/traces", Buffer.from("x"), {
    origin: SHOP,
    "content-encoding": "gzip",
  });
  await using full = await openReceiving({ http: { cors: CORS }, limits: { maxConcurrentRequests: 0 } });
  const byLimit = await post(full.httpPort, "/v1/traces", Buffer.alloc(1), { origin: SHOP });
  assert.deepEqual([byHead.status, byBody.status, byLimit.status], [415, 400, 429]);
  assert.ok(Number(byLimit.headers["retry-after"]) > 0);
  for (const answer of [byHead, byBody, byLimit]) {
    assert.equal(answer.headers["access-control-allow-origin"], SHOP);
    assert.equal(answer.headers["access-control-expose-headers"], "Retry-After");
  }
});

test("cors: with * all headers that are asked for are allowed, when they are names", async () => {
  await using any = await openReceiving({ http: { cors: { ...CORS, allowedHeaders: ["*"] } } });
  const allowed = async (asked: string): Promise<unknown> =>
    (await preflight(SHOP, asked, any.httpPort)).headers["access-control-allow-headers"];
  const always = "content-type, content-encoding, x-requested-with";
  assert.equal(await allowed("x-a,traceparent"), `${always}, x-a,traceparent`);
  assert.equal(await allowed("x-a; x=1"), always);
  assert.equal(await allowed("x".repeat(5_000)), always);
});

test("cors: without it there is no header of it, and OPTIONS is 405", async () => {
  await using plain = await openReceiving();
  const asked = await preflight(SHOP, "content-type", plain.httpPort);
  const sent = await post(plain.httpPort, "/v1/traces", Buffer.alloc(0), { origin: SHOP });
  assert.deepEqual([asked.status, corsOf(asked), asked.headers.vary], [405, {}, undefined]);
  assert.deepEqual([sent.status, corsOf(sent), sent.headers.vary], [200, {}, undefined]);
});
