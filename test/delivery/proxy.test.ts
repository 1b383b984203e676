import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC_TRANSPORTS } from "../../src/core/grpc-transport.ts";
import { systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { openCheck } from "../../src/data/health/checks/open-check.ts";
import type { CheckOutcome } from "../../src/data/health/check.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import type { ProxyPlan } from "../../src/plan/proxy-plan.ts";
import type { CheckPlan } from "../../src/plan/target-health.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createAuthority } from "../support/certs.ts";
import { type ProxyAnswer, refusal, TestProxy } from "../support/proxy.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { answers } from "../support/sinks/sink-script.ts";
import { targetPlan, TEST_CONNECTION } from "./pool-rig.ts";
import { batchOf, openTo, send, summary, TWO_SPANS } from "./send.ts";

/**
 * No resolver finds it (RFC 6761): whatever arrives under it has come through a proxy, which looked
 * it up.
 */
const NAME = "tempo.invalid";
const WAYS = [
  ...GRPC_TRANSPORTS.map((transport) => ({ name: `gRPC ${transport}`, protocol: "grpc" as const, transport })),
  { name: "HTTP", protocol: "http/protobuf" as const, transport: "own" as const },
];
const SINKS = { grpc: openGrpcSink, "http/protobuf": openHttpSink };

function planOf({ port }: TestProxy, more: Partial<ProxyPlan> = {}): ProxyPlan {
  return { host: "127.0.0.1", port, tls: false, authorization: undefined, ...more };
}

function tlsOf(ca: string): TargetPlan["tls"] {
  return { ca, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false };
}

for (const { name, ...way } of WAYS) {
  test(`${name}: a plain target is reached by CONNECT, named as it is written`, async () => {
    await using sink = await SINKS[way.protocol]();
    await using proxy = await TestProxy.open();
    await using client = openTo(`http://${NAME}:${sink.port}`, way.protocol, { ...way, proxy: planOf(proxy) });
    for (let i = 0; i < 5; i++) assert.equal(summary(await send(client)), "accepted 0");
    assert.equal(sink.counts().requests, 5);
    assert.ok(proxy.asked.length >= 1 && proxy.asked.length <= 2, `${proxy.asked.length} tunnels for 5 calls`);
    assert.deepEqual(proxy.asked[0], {
      authority: `${NAME}:${sink.port}`,
      headers: { host: `${NAME}:${sink.port}` },
    });
    assert.deepEqual(proxy.others, []);
    assert.equal(sink.requests[0]?.headers["proxy-authorization"], undefined);
  });

  test(`${name}: TLS is spoken to the target inside, whose certificate is that of its name`, async () => {
    const authority = await createAuthority();
    await using sink = await SINKS[way.protocol]({ tls: await authority.server([NAME]) });
    await using other = await SINKS[way.protocol]({ tls: await authority.server(["other.invalid"]) });
    await using proxy = await TestProxy.open();
    const options = { ...way, proxy: planOf(proxy), tls: tlsOf(authority.ca) };
    await using client = openTo(`https://${NAME}:${sink.port}`, way.protocol, options);
    await using toOther = openTo(`https://${NAME}:${other.port}`, way.protocol, options);
    const many = Array.from({ length: 50_000 }, () => TWO_SPANS[0]!);
    assert.equal(summary(await send(client, batchOf(many))), "accepted 0");
    assert.equal(sink.requests[0]?.items, 50_000);
    const refused = await send(toOther);
    assert.equal(summary(refused), "retry connect");
    assert.ok(
      refused.kind === "retry" && refused.unprocessed && /certificate is for other names/u.test(refused.message),
    );
  });

  test(`${name}: the proxy itself may want TLS, and whom the target's authorities certify is trusted`, async () => {
    const authority = await createAuthority();
    await using sink = await SINKS[way.protocol]({ tls: await authority.server([NAME]) });
    await using proxy = await TestProxy.open({ tls: await authority.server(), credentials: "ann:s3cret" });
    const authorization = `Basic ${Buffer.from("ann:s3cret").toString("base64")}`;
    const options = { ...way, proxy: planOf(proxy, { tls: true, authorization }), tls: tlsOf(authority.ca) };
    await using client = openTo(`https://${NAME}:${sink.port}`, way.protocol, options);
    assert.equal(summary(await send(client)), "accepted 0");
    assert.equal(proxy.asked.length, 1);
  });

  for (const how of ["split", "behind", "interim"] as const) {
    // A target of HTTP says nothing unasked.
    if (how === "behind" && way.protocol !== "grpc") continue;
    test(`${name}: the proxy's answer may come in any pieces: ${how}`, async () => {
      await using sink = await SINKS[way.protocol]();
      await using proxy = await TestProxy.open();
      proxy.answer = { kind: "open", how };
      await using client = openTo(`http://${NAME}:${sink.port}`, way.protocol, { ...way, proxy: planOf(proxy) });
      const many = Array.from({ length: 50_000 }, () => TWO_SPANS[0]!);
      assert.equal(summary(await send(client, batchOf(many))), "accepted 0");
      assert.equal(sink.requests[0]?.items, 50_000);
    });
  }

  const REFUSALS: readonly (readonly [ProxyAnswer, string])[] = [
    [refusal(403, "Forbidden"), "403 Forbidden"],
    [refusal(401, "Unauthorized"), "401 Unauthorized"],
    [refusal(404, "Not Found"), "404 Not Found"],
    [refusal(413, ""), "413"],
    [refusal(429, "Too Many Requests"), "429 Too Many Requests"],
    [refusal(302, "F\u0001ound"), "302 F?ound"],
    [refusal(101, "Switching Protocols"), "101 Switching Protocols"],
    [{ kind: "say", text: "SSH-2.0-OpenSSH_9.2\r\n" }, "its answer is not HTTP"],
    [{ kind: "say", text: "HTTP/1.1 2xx OK\r\n\r\n" }, "its answer is not HTTP"],
    [{ kind: "say", text: `HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}` }, "its answer has a head above 16384 bytes"],
    [{ kind: "close" }, "closed the connection without an answer"],
  ];
  for (const [answer, text] of REFUSALS) {
    test(`${name}: a proxy that refuses is no target that refuses: ${text}`, async () => {
      await using sink = await SINKS[way.protocol]();
      await using proxy = await TestProxy.open();
      proxy.answer = answer;
      await using client = openTo(`http://${NAME}:${sink.port}`, way.protocol, { ...way, proxy: planOf(proxy) });
      assert.deepEqual(await send(client), {
        kind: "retry",
        reason: "connect",
        message: `proxy 127.0.0.1:${proxy.port}: ${text}`,
        unprocessed: true,
      });
      assert.equal(sink.counts().connections, 0);
    });
  }

  test(`${name}: without credentials, or with wrong ones, it is 407; what the proxy repeats of them is not told`, async () => {
    await using sink = await SINKS[way.protocol]();
    await using proxy = await TestProxy.open({ credentials: "ann:s3cret" });
    const authorization = `Basic ${Buffer.from("ann:wr0ng").toString("base64")}`;
    const plan = { ...way, proxy: planOf(proxy, { authorization }) };
    await using client = openTo(`http://${NAME}:${sink.port}`, way.protocol, plan);
    const refused = await send(client);
    assert.ok(refused.kind === "retry" && refused.reason === "connect" && /: 407 Proxy/u.test(refused.message));
    await using chatty = await TestProxy.open();
    chatty.answer = refusal(407, `no such user ann with ${authorization}`);
    const other = { ...way, proxy: planOf(chatty, { authorization }) };
    await using toChatty = openTo(`http://${NAME}:${sink.port}`, way.protocol, other);
    const told = await send(toChatty);
    assert.equal(told.kind === "retry" && told.message, `proxy 127.0.0.1:${chatty.port}: 407`);
  });

  test(`${name}: a proxy that is not there, and one that says nothing`, async () => {
    const gone = await TestProxy.open();
    await gone[Symbol.asyncDispose]();
    await using client = openTo(`http://${NAME}:1`, way.protocol, { ...way, proxy: planOf(gone) });
    const refused = await send(client);
    assert.equal(summary(refused), "retry connect");
    assert.ok(
      refused.kind === "retry" && refused.message.startsWith(`proxy 127.0.0.1:${gone.port}: connect ECONNREFUSED`),
    );
    await using silent = await TestProxy.open();
    silent.answer = { kind: "hang" };
    await using toSilent = openTo(`http://${NAME}:1`, way.protocol, { ...way, proxy: planOf(silent) });
    const late = await send(toSilent, batchOf(), 100);
    assert.ok(late.kind === "retry" && late.reason === "timeout" && late.unprocessed);
  });

  test(`${name}: authorities that cannot be read fail the connection, and nothing else`, async () => {
    const authority = await createAuthority();
    await using proxy = await TestProxy.open({ tls: await authority.server() });
    const broken = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
    const options = { ...way, proxy: planOf(proxy, { tls: true }), tls: tlsOf(broken) };
    await using client = openTo(`http://${NAME}:1`, way.protocol, options);
    const outcome = await send(client);
    assert.equal(summary(outcome), "retry connect");
    assert.ok(
      outcome.kind === "retry" && outcome.message.startsWith(`proxy 127.0.0.1:${proxy.port}: `),
      summary(outcome),
    );
  });

  test(`${name}: what the target says inside is the target's`, async () => {
    const code = way.protocol === "grpc" ? 7 : 403;
    await using sink = await SINKS[way.protocol]({ script: answers({ kind: "status", code, message: "no" }) });
    await using proxy = await TestProxy.open();
    await using client = openTo(`http://${NAME}:${sink.port}`, way.protocol, { ...way, proxy: planOf(proxy) });
    assert.equal(summary(await send(client)), `rejected ${way.protocol === "grpc" ? "PERMISSION_DENIED" : "HTTP 403"}`);
  });

  test(`${name}: a tunnel that breaks off is a reset, and the next call gets a new one`, async () => {
    await using sink = await SINKS[way.protocol]({ script: answers({ kind: "disconnect" }) });
    await using proxy = await TestProxy.open();
    await using client = openTo(`http://${NAME}:${sink.port}`, way.protocol, { ...way, proxy: planOf(proxy) });
    assert.equal(summary(await send(client)), "retry reset");
    assert.equal(summary(await send(client)), "accepted 0");
  });
}

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

async function runCheck(check: CheckPlan, plan: TargetPlan): Promise<CheckOutcome> {
  await using client = openTo(plan.url, plan.protocol, plan);
  const env = { clock: systemClock, random: systemRandom, metrics: createMetrics() };
  await using opened = openCheck(check, () => plan, client, env);
  return await new Promise((resolve) => opened.run(check.timeoutMs, resolve));
}

for (const type of ["otlp", "http", "grpc", "tcp"] as const) {
  for (const transport of GRPC_TRANSPORTS) {
    if (transport === "node" && type !== "grpc") continue;
    test(`a check by ${type} (${transport}) goes the same way`, async () => {
      await using sink = await (type === "otlp" || type === "grpc" ? openGrpcSink : openHttpSink)();
      await using proxy = await TestProxy.open();
      const url = `http://${NAME}:${sink.port}`;
      const plan = targetPlan("a", { url, transport, proxy: planOf(proxy) });
      const check = { ...CHECK, type, url, proxy: planOf(proxy) };
      const { result, said } = await runCheck(check, plan);
      if (type === "grpc")
        assert.equal(said, "UNKNOWN"); // an answer of the sink, which knows no health service
      else assert.equal(result, "passed", said);
      assert.deepEqual(
        proxy.asked.map(({ authority }) => authority),
        [`${NAME}:${sink.port}`],
      );
    });

    test(`a check by ${type} (${transport}) fails with the proxy's words, a 401 or 403 of which is not the target's`, async () => {
      await using proxy = await TestProxy.open();
      proxy.answer = refusal(403, "Forbidden");
      const url = `http://${NAME}:4317`;
      // Of a target that is passed headers of senders, 403 says nothing to a check without.
      const plan = targetPlan("a", { url, transport, proxy: planOf(proxy), forwardHeaders: ["x-scope-orgid"] });
      const outcome = await runCheck({ ...CHECK, type, url, proxy: planOf(proxy) }, plan);
      assert.deepEqual([outcome.result, outcome.said], ["failed", `proxy 127.0.0.1:${proxy.port}: 403 Forbidden`]);
    });
  }
}
