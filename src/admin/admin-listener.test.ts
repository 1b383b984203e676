import assert from "node:assert/strict";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createAuthority } from "../../test/support/certs.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { systemClock } from "../core/clock.ts";
import { HIDE_NOTHING } from "../core/hide.ts";
import { Secret } from "../core/secret.ts";
import { createLog, type Log } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { AdminToken } from "./auth.ts";
import { type AdminListenOptions, listenAdmin } from "./admin-listener.ts";
import { BODY_DEADLINE_MS } from "./read-body.ts";
import { type AdminReply, matchRoute, type AdminRoute } from "./route.ts";

function route(path: string, more: Partial<AdminRoute>): AdminRoute {
  return {
    method: "GET",
    path,
    role: "none",
    summary: "A test.",
    handle: answer,
    ...more,
  };
}

function answer(): AdminReply {
  return { status: 200, body: { big: 2n ** 60n } };
}

const TOKENS: readonly AdminToken[] = [
  { role: "viewer", value: new Secret("v") },
  { role: "operator", value: new Secret("o") },
  { role: "admin", value: new Secret("a") },
];

async function open(
  routes: readonly AdminRoute[],
  more: Partial<AdminListenOptions> = {},
): Promise<{ server: Awaited<ReturnType<typeof listenAdmin>>; lines: string[] }> {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log: Log = createLog({ clock: new ManualClock(), write, level: "info", format: "json", colour: false });
  const options = {
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    tokens: [],
    routes,
    hide: () => HIDE_NOTHING,
    clock: systemClock,
    log,
    metrics: createMetrics(),
    ...more,
  };
  return { server: await listenAdmin(options), lines };
}

test("a role may do what its own and lower roles may, and is told what it lacks", async () => {
  const routes = (["viewer", "operator", "admin"] as const).map((role) => route(`/${role}`, { role }));
  const { server } = await open(routes, { tokens: TOKENS });
  await using _ = server;
  const allowed: Record<string, number[]> = {};
  for (const token of ["v", "o", "a"]) {
    allowed[token] = [];
    for (const { path } of routes) {
      const reply = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        headers: { authorization: `bearer ${token}` },
      });
      allowed[token].push(reply.status);
      if (reply.status === 403)
        assert.match(await reply.text(), /needs the role (operator|admin); the token has the role/u);
    }
  }
  assert.deepEqual(allowed, { v: [200, 403, 403], o: [200, 200, 403], a: [200, 200, 200] });
});

test("a fault in a route is a 500 that tells nothing of it, and a line in the log that does", async () => {
  const fails = route("/fails", { handle: () => Promise.reject(new Error("the inside story")) });
  const { server, lines } = await open([fails, route("/works", {})]);
  await using _ = server;
  const reply = await fetch(`http://127.0.0.1:${server.port}/fails`);
  assert.equal(reply.status, 500);
  assert.ok(!(await reply.text()).includes("inside story"));
  assert.match(lines.join(""), /inside story/u);
  const works = await fetch(`http://127.0.0.1:${server.port}/works`);
  assert.deepEqual(await works.json(), { big: String(2n ** 60n) });
});

/** GET /works over TLS: the status, or the code of what went wrong. */
async function getOverTls(port: number, options: RequestOptions): Promise<{ status: number; body: string }> {
  const whole: RequestOptions = { host: "127.0.0.1", port, path: "/works", agent: false, ...options };
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(whole, (response) => {
      void text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("with a certificate it speaks TLS", async () => {
  const authority = await createAuthority();
  const tls = await authority.server();
  const { server } = await open([route("/works", {})], { tls });
  await using _ = server;
  assert.match((await getOverTls(server.port, { ca: authority.ca })).body, /"big"/u);
});

test("with client_ca only who has a certificate of that authority gets in", async () => {
  const [authority, stranger] = [await createAuthority(), await createAuthority("another authority")];
  const tls = { ...(await authority.server()), clientCa: authority.ca };
  const { server } = await open([route("/works", {})], { tls });
  await using _ = server;
  const known = await authority.client();
  assert.equal((await getOverTls(server.port, { ca: authority.ca, ...known })).status, 200);
  await assert.rejects(getOverTls(server.port, { ca: authority.ca }));
  await assert.rejects(getOverTls(server.port, { ca: authority.ca, ...(await stranger.client()) }));
});

test("a body that does not come is given up, and the connection closed", async () => {
  const clock = new ManualClock();
  const body = { maxBytes: 100, types: ["json"], required: true, schema: "Any" } as const;
  const { server } = await open([route("/takes", { method: "POST", body })], { clock });
  await using _ = server;
  const socket = connect(server.port, "127.0.0.1");
  const head = `POST /takes HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\ncontent-type: application/json\r\n`;
  socket.write(`${head}content-length: 5\r\n\r\n{`);
  while (clock.pending === 0) await setImmediate();
  clock.advance(BODY_DEADLINE_MS);
  assert.match(await text(socket), /^HTTP\/1\.1 408 [^]*connection: close/u);
});

test("bodies that are being read have a limit together: one more is refused for a moment", async () => {
  const body = { maxBytes: 32 * 1_024 * 1_024, types: ["json"], required: true, schema: "Any" } as const;
  const clock = new ManualClock();
  const { server } = await open([route("/takes", { method: "POST", body })], { clock });
  await using _ = server;
  const head = `POST /takes HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\ncontent-type: application/json\r\n`;
  const slow = [1, 2].map(() => connect(server.port, "127.0.0.1"));
  for (const socket of slow) socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
  while (clock.pending < 2) await setImmediate();
  const reply = await fetch(`http://127.0.0.1:${server.port}/takes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  assert.deepEqual([reply.status, reply.headers.get("retry-after")], [503, "1"]);
  for (const socket of slow) socket.destroy();
  while (clock.pending > 0) await setImmediate();
  const again = await fetch(`http://127.0.0.1:${server.port}/takes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  assert.equal(again.status, 200);
});

test("a certificate that is none is told at the start", async () => {
  await assert.rejects(open([], { tls: { cert: "no", key: "no" } }), { code: "TLS_INVALID" });
});

const ROUTES = [route("/a", {}), route("/a/{id}", {}), route("/a/{id}/drain", { method: "POST" })];
const matches: [string, string, string, Record<string, string> | readonly string[] | undefined][] = [
  ["GET", "/a", "route", {}],
  ["HEAD", "/a", "route", {}],
  ["GET", "/a/b%20c", "route", { id: "b c" }],
  ["POST", "/a/x/drain", "route", { id: "x" }],
  ["GET", "/a/x/drain", "method_not_allowed", ["POST"]],
  ["PUT", "/a", "method_not_allowed", ["GET", "HEAD"]],
  ["GET", "/a/", "not_found", undefined],
  ["GET", "/", "not_found", undefined],
  ["GET", "/a/%zz", "not_found", undefined],
];
for (const [method, path, kind, more] of matches) {
  test(`route: ${method} ${path} is ${kind}`, () => {
    const match = matchRoute(ROUTES, method, path);
    assert.equal(match.kind, kind);
    assert.deepEqual(
      match.kind === "route" ? match.params : match.kind === "method_not_allowed" ? match.allow : undefined,
      more,
    );
  });
}

test("of what takes work only so much is under way: 429 with Retry-After beyond, and as before when it has ended", async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let under = 0;
  const handle = async (): Promise<AdminReply> => {
    if (++under === 8) begun.resolve();
    await gate.promise;
    return { status: 200, body: {} };
  };
  const routes = [
    route("/work", { work: "document", handle }),
    route("/free", {}),
    route("/other", { work: "explain" }),
  ];
  const { server } = await open(routes);
  await using _ = server;
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`);
  const working = Array.from({ length: 8 }, () => get("/work"));
  await begun.promise;
  const refused = await get("/work");
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "1"]);
  assert.match(await refused.text(), /8 requests that read or change the config are under way already/u);
  for (const path of ["/free", "/other"]) assert.equal((await get(path)).status, 200);
  gate.resolve();
  for (const worked of await Promise.all(working)) assert.equal(worked.status, 200);
  assert.equal((await get("/work")).status, 200);
});
