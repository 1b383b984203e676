import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp2 } from "node:http2";
import { createServer } from "node:tls";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { openCheck } from "../../src/data/health/checks/open-check.ts";
import type { CheckOutcome } from "../../src/data/health/check.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import type { CheckPlan } from "../../src/plan/target-health.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createAuthority } from "../support/certs.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { targetPlan, TEST_CONNECTION } from "./pool-rig.ts";
import { openTo, send, summary } from "./send.ts";

/** No resolver finds it (RFC 6761): only a connection to the address that was given comes about. */
const NAME = "tempo.invalid";
const ADDRESS = "127.0.0.2";

const OPEN = { grpc: openGrpcSink, "http/protobuf": openHttpSink };
const protocols = ["grpc", "http/protobuf"] as const;

for (const protocol of protocols) {
  test(`${protocol}: the address is dialled, and the certificate is that of the name`, async () => {
    const authority = await createAuthority();
    const { cert, key } = await authority.server([NAME]);
    await using sink = await OPEN[protocol]({ host: ADDRESS, tls: { cert, key } });
    const url = `https://${NAME}:${sink.port}`;
    const tls = { ca: authority.ca, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false };
    await using client = openTo(url, protocol, { address: ADDRESS, tls });
    assert.equal(summary(await send(client)), "accepted 0");
    assert.equal(sink.counts().requests, 1);
  });

  test(`${protocol}: a certificate for the address alone is not the name's`, async () => {
    const authority = await createAuthority();
    const { cert, key } = await authority.server([ADDRESS]);
    await using sink = await OPEN[protocol]({ host: ADDRESS, tls: { cert, key } });
    const tls = { ca: authority.ca, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false };
    await using client = openTo(`https://${NAME}:${sink.port}`, protocol, { address: ADDRESS, tls });
    assert.equal(summary(await send(client)), "retry connect");
  });

  test(`${protocol}: the name is told to the peer (SNI)`, async () => {
    const authority = await createAuthority();
    const { cert, key } = await authority.server([NAME]);
    const server = createServer({ cert, key, ALPNProtocols: ["h2", "http/1.1"] });
    server.listen(0, ADDRESS);
    await once(server, "listening");
    const bound = server.address();
    assert.ok(bound !== null && typeof bound === "object");
    const tls = { ca: authority.ca, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false };
    const client = openTo(`https://${NAME}:${bound.port}`, protocol, { address: ADDRESS, tls });
    const sent = send(client, undefined, 60_000);
    const [socket] = await once(server, "secureConnection");
    assert.equal(socket.servername, NAME);
    socket.destroy();
    server.close();
    await sent;
    await client[Symbol.asyncDispose]();
  });
}

test("HTTP: the request names the name as its host", async () => {
  await using sink = await openHttpSink({ host: ADDRESS });
  await using client = openTo(`http://${NAME}:${sink.port}`, "http/protobuf", { address: ADDRESS });
  assert.equal(summary(await send(client)), "accepted 0");
  assert.equal(sink.requests[0]?.headers["host"], `${NAME}:${sink.port}`);
});

test("gRPC: the call names the name as its authority", async () => {
  const server = createHttp2();
  server.listen(0, ADDRESS);
  await once(server, "listening");
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  const client = openTo(`http://${NAME}:${bound.port}`, "grpc", { address: ADDRESS });
  const sent = send(client, undefined, 60_000);
  const [stream, headers] = await once(server, "stream");
  assert.equal(headers[":authority"], `${NAME}:${bound.port}`);
  stream.close();
  await sent;
  await client[Symbol.asyncDispose]();
  server.close();
});

const CHECK: CheckPlan = {
  type: "tcp",
  url: "",
  intervalMs: 10_000,
  timeoutMs: 60_000,
  fall: 3,
  rise: 2,
  path: "/",
  service: "",
  connection: TEST_CONNECTION,
  headers: {},
  written: true,
};

function runCheck(check: CheckPlan, plan: TargetPlan): Promise<CheckOutcome> {
  const client = openTo("http://127.0.0.1:1", "grpc");
  const env = { clock: systemClock, random: systemRandom, metrics: createMetrics() };
  const opened = openCheck(check, () => plan, client, env);
  return new Promise((resolve) => {
    opened.run(check.timeoutMs, (outcome) => {
      resolve(outcome);
      void opened[Symbol.asyncDispose]();
      void client[Symbol.asyncDispose]();
    });
  });
}

for (const type of ["tcp", "http", "grpc"] as const) {
  test(`a check by ${type} asks at the address, also on another port; at another host as it is written`, async () => {
    await using sink = await (type === "grpc" ? openGrpcSink : openHttpSink)({ host: ADDRESS });
    const plan = targetPlan("a", { url: `http://${NAME}:1`, address: ADDRESS });
    const at = (host: string): CheckPlan => ({ ...CHECK, type, url: `http://${host}:${sink.port}` });
    const reached = ({ said }: CheckOutcome): boolean => !/ENOTFOUND|EAI_AGAIN|ECONNREFUSED/u.test(said);
    assert.equal(reached(await runCheck(at(NAME), plan)), true);
    assert.equal(reached(await runCheck(at("other.invalid"), plan)), false);
    assert.equal(reached(await runCheck(at(ADDRESS), plan)), true);
  });
}
