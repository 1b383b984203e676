import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { CheckOutcome } from "../../src/data/health/check.ts";
import { openCheck } from "../../src/data/health/checks/open-check.ts";
import { UNARY_TRANSPORTS } from "../../src/http2/transport.ts";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { loadText } from "../config/load-text.ts";
import { TEST_TRANSPORT } from "../support/transport.ts";
import { openTo } from "./send.ts";
import { boundPlan } from "../support/bound-plan.ts";

type Protocol = "grpc" | "http/protobuf";
type Headers = Readonly<Record<string, string | undefined>>;

/** What a peer that asks who is calling says to one who does not say so. */
interface Peer extends AsyncDisposable {
  readonly url: string;
  readonly seen: Headers[];
  /** 401 or 403. */
  status: number;
}

async function openHttpPeer(): Promise<Peer> {
  const seen: Headers[] = [];
  const server = createServer((request, response) => {
    const { "x-check": check, "x-own": own, "x-scope-orgid": tenant } = request.headers;
    seen.push({ check: check?.toString(), own: own?.toString(), tenant: tenant?.toString() });
    request.resume();
    response.writeHead(tenant === undefined ? peer.status : 200).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // oxlint-disable-line typescript/no-unsafe-type-assertion -- it listens on TCP
  const peer: Peer = {
    url: `http://127.0.0.1:${port}`,
    seen,
    status: 401,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return peer;
}

async function openGrpcPeer(): Promise<Peer> {
  const seen: Headers[] = [];
  const options = {
    host: "127.0.0.1",
    port: 0,
    maxConcurrentStreams: 10,
    maxHeaderBytes: 16_384,
    maxConnections: 10,
    maxConnectionAgeMs: 0,
    maxConnectionAgeGraceMs: 0,
    keepaliveTimeMs: 0,
    keepaliveTimeoutMs: 1_000,
  };
  const env = { clock: systemClock, random: seededRandom(1) };
  const server = await UNARY_TRANSPORTS[TEST_TRANSPORT].listen(
    {
      ...options,
      handler(call) {
        const [check, own, tenant] = ["x-check", "x-own", "x-scope-orgid"].map((name) => call.header(name));
        seen.push({ check, own, tenant });
        const refusal = peer.status === 401 ? GRPC.UNAUTHENTICATED : GRPC.PERMISSION_DENIED;
        const message = call.path.endsWith("/Check") ? Uint8Array.of(0x08, 0x01) : new Uint8Array(0);
        call.reply(tenant === undefined ? { status: refusal, text: "who?" } : { status: 0, text: "", message });
        return undefined;
      },
    },
    env,
  );
  const peer: Peer = {
    url: `http://127.0.0.1:${server.port}`,
    seen,
    status: 401,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return peer;
}

/** Runs one check of a target with this config. */
async function checkOnce(url: string, protocol: Protocol, more: string): Promise<CheckOutcome> {
  const own = "headers: { x-own: of the target }";
  const { config, problems } = loadText(
    `targets: [{ id: t, endpoint: "${url}", protocol: ${protocol}, transport: ${TEST_TRANSPORT}, ${own}, ${more} }]`,
  );
  assert.ok(config !== undefined, JSON.stringify(problems));
  const plan = boundPlan(config).targets.get("t")!;
  await using client = openTo(url, protocol, plan);
  const env = { clock: systemClock, random: seededRandom(1), metrics: createMetrics() };
  await using opened = openCheck(plan.health.check!, () => plan, client, env);
  return await new Promise((resolve) => void opened.run(10_000, resolve));
}

const KINDS: readonly (readonly [type: string, protocol: Protocol, open: () => Promise<Peer>])[] = [
  ["otlp", "grpc", openGrpcPeer],
  ["otlp", "http/protobuf", openHttpPeer],
  ["http", "grpc", openHttpPeer],
  ["grpc", "http/protobuf", openGrpcPeer],
];
for (const [type, protocol, open] of KINDS) {
  const name = `${type} check of a ${protocol} target`;

  test(`${name}: its headers go along with the target's own, which win`, async () => {
    await using peer = await open();
    const headers = "headers: { X-Check: a, X-Own: of the check, X-Scope-OrgID: check }";
    const { result } = await checkOnce(peer.url, protocol, `health_check: { type: ${type}, ${headers} }`);
    assert.equal(result, "passed");
    assert.deepEqual(peer.seen, [{ check: "a", own: "of the target", tenant: "check" }]);
  });

  for (const status of [401, 403]) {
    test(`${name}: ${status} passes only where senders say who they are, and the check does not`, async () => {
      await using peer = await open();
      peer.status = status;
      const bare = `health_check: { type: ${type} }`;
      const signed = `health_check: { type: ${type}, headers: { x-check: a } }`;
      const forwards = "forward_headers: [x-scope-orgid]";
      assert.equal((await checkOnce(peer.url, protocol, `${bare}, ${forwards}`)).result, "passed");
      assert.equal((await checkOnce(peer.url, protocol, bare)).result, "failed");
      assert.equal((await checkOnce(peer.url, protocol, `${signed}, ${forwards}`)).result, "failed");
    });
  }

  test(`${name}: any other refusal is one also where senders say who they are`, async () => {
    await using peer = await openHttpPeer();
    peer.status = 500;
    const forwards = "forward_headers: [x-scope-orgid]";
    const { result } = await checkOnce(peer.url, "http/protobuf", `health_check: { type: http }, ${forwards}`);
    assert.equal(result, "failed");
  });
}

test("headers of checks: the same is refused as in a target's own, tcp has none, and their values are secrets", () => {
  const { problems } = loadText(`targets:
  - { id: a, endpoint: "http://a:1", health_check: { headers: { host: b, x-a: "\\u00e4", X-B: hunter2, x-b: c } } }
  - { id: b, endpoint: "http://b:1", health_check: { type: tcp, headers: { x-a: b } } }`);
  assert.deepEqual(
    problems.map(({ severity, path }) => `${severity} ${path.replace("targets", "")}`),
    [
      "error [0].health_check.headers.host",
      "error [0].health_check.headers.x-a",
      "error [0].health_check.headers.x-b",
      "warning [1].health_check.headers",
    ],
  );
  assert.doesNotMatch(JSON.stringify(problems), /hunter2/u);
});
