import assert from "node:assert/strict";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { createAuthority } from "../../test/support/certs.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { systemClock } from "../core/clock.ts";
import { Secret } from "../core/secret.ts";
import { createLog, type Log } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { AdminToken } from "./auth.ts";
import { type AdminListenOptions, type AdminServer, listenAdmin } from "./listen.ts";
import { type AdminReply, JSON_TYPE, matchRoute, type Route } from "./route.ts";

function route(path: string, more: Partial<Route>): Route {
  return {
    method: "GET",
    path,
    role: "none",
    summary: "A test.",
    type: JSON_TYPE,
    statuses: [],
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
  routes: readonly Route[],
  more: Partial<AdminListenOptions> = {},
): Promise<{ server: AdminServer; lines: string[] }> {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log: Log = createLog({ clock: new ManualClock(), write, level: "info", format: "json", colour: false });
  const options = {
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    tokens: [],
    routes,
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

test("with a certificate it speaks TLS", async () => {
  const authority = await createAuthority();
  const tls = await authority.server();
  const { server } = await open([route("/works", {})], { tls });
  await using _ = server;
  const options: RequestOptions = {
    host: "127.0.0.1",
    port: server.port,
    path: "/works",
    ca: authority.ca,
    agent: false,
  };
  const body = await new Promise<string>((resolve, reject) => {
    const sent = httpsRequest(options, (response) => void text(response).then(resolve, reject));
    sent.on("error", reject);
    sent.end();
  });
  assert.match(body, /"big"/u);
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
