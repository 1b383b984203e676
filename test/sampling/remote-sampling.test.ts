import assert from "node:assert/strict";
import { mock, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { ROOT_CONTEXT, SpanKind } from "@opentelemetry/api";
import { AlwaysOnSampler, type Sampler, SamplingDecision } from "@opentelemetry/sdk-trace-base";
import type { SamplingState, ShareReason } from "../../src/plan/sampling-plan.ts";
import { callApi } from "../admin/api-client.ts";
import { createAuthority } from "../support/certs.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startTestNode, type TestNode } from "../support/node.ts";

const CONFIG = {
  targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
  node: { listen: { sampling_http: {}, sampling_grpc: {} } },
  global: {
    sampling: { randomness: "hash" },
    sampling_strategies: [
      {
        type: "priority_based",
        rules: [
          { priority: "high", rate: 1, services: ["payment"] },
          { priority: "low", rate: 0.01, services: ["cart"], conditions: [{ span_name: "GET /healthz" }] },
        ],
      },
      { type: "fixed", rate: 0.1 },
    ],
  },
};

function told(probability: number, reason: ShareReason): SamplingState {
  return { traces: [{ class: "normal", probability, reason }], logs: [] };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(node: TestNode, path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(`http://${node.running.addresses.samplingHttp}${path}`, init);
  return { status: answer.status, text: await answer.text() };
}

test("HTTP: where Jaeger and its agent answered a service gets its rates, by operation and with a lower bound", async () => {
  await using node = await startTestNode(CONFIG);
  const probabilisticSampling = { samplingRate: 0.25 };
  const want = {
    strategyType: "PROBABILISTIC",
    probabilisticSampling,
    operationSampling: {
      defaultSamplingProbability: 0.25,
      defaultLowerBoundTracesPerSecond: 1 / 60,
      perOperationStrategies: [{ operation: "GET /healthz", probabilisticSampling: { samplingRate: 1 / 32 } }],
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
  for (const path of ["/?service=cart", "/sampling?service=cart", "/api/sampling/sampling?service=cart&x=y"]) {
    const { status, text } = await ask(node, path);
    assert.equal(status, 200, path);
    assert.deepEqual(JSON.parse(text), want, path);
  }
  const all = { strategyType: "PROBABILISTIC", probabilisticSampling: { samplingRate: 1 } };
  assert.deepEqual(JSON.parse((await ask(node, "/sampling?service=payment")).text), all);
  assert.equal(await node.metric("remoteSamplingRequests", "sampling_http", "told"), 4);
  assert.equal(await node.metric("remoteSamplingRate", "normal"), 0.25);
});

test("HTTP: what is none of the protocol is answered by why", async () => {
  await using node = await startTestNode(CONFIG);
  const cases = [
    ["/sampling", "GET", 400, /service/u],
    ["/sampling?service=a&service=b", "GET", 400, /once/u],
    ["/baggageRestrictions?service=a", "GET", 404, /\/sampling\?service=/u],
    ["/sampling?service=a", "POST", 405, /GET/u],
  ] as const;
  for (const [path, method, status, text] of cases) {
    const answer = await ask(node, path, { method });
    assert.equal(answer.status, status, path);
    assert.match(answer.text, text);
  }
  assert.equal(await node.metric("remoteSamplingRequests", "sampling_http", "invalid"), cases.length);
});

test("HTTP: without hashing nothing is told, and both the log and the answer say why", async () => {
  const plain = { ...CONFIG, global: { ...CONFIG.global, sampling: { randomness: "trace_id" } } };
  await using node = await startTestNode(plain);
  const { status, text } = await ask(node, "/sampling?service=cart");
  assert.equal(status, 503);
  assert.match(text, /global\.sampling\.randomness: hash/u);
  assert.ok(node.lines.some(({ msg }) => msg === "sources that ask what to send are told nothing"));
  await node.apply(CONFIG);
  assert.equal((await ask(node, "/sampling?service=cart")).status, 200);
});

interface Called {
  readonly code: number;
  readonly text: string;
  /** In hex. */
  readonly message: string;
}

const METHOD = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";
const same = (bytes: Buffer): Buffer => bytes;

/** As SDKs ask, and the Collector's extension jaegerremotesampling for its `source.remote`. */
async function call(
  node: TestNode,
  request: Buffer,
  { method = METHOD, secure = grpc.credentials.createInsecure() } = {},
) {
  const client = new grpc.Client(node.running.addresses.samplingGrpc ?? "", secure, {
    "grpc.ssl_target_name_override": "localhost",
  });
  const { promise, resolve } = Promise.withResolvers<Called>();
  client.makeUnaryRequest(method, same, same, request, (error, reply) => {
    resolve({ code: error?.code ?? 0, text: error?.details ?? "", message: reply?.toString("hex") ?? "" });
  });
  try {
    return await promise;
  } finally {
    client.close();
  }
}

function named(service: string): Buffer {
  const name = Buffer.from(service);
  return Buffer.concat([Buffer.from([0x0a, name.length]), name]);
}

test("gRPC: SamplingManager tells the same, and answers what is none of the protocol by why", async () => {
  await using node = await startTestNode(CONFIG);
  assert.deepEqual(await call(node, named("payment")), { code: 0, text: "", message: "120909000000000000f03f" });
  assert.match((await call(node, named("cart"))).message, /^120909000000000000d03f22/u);
  const [broken, other] = [await call(node, Buffer.from([0x0a])), await call(node, named("a"), { method: "/a.B/C" })];
  assert.deepEqual([broken.code, other.code], [grpc.status.INVALID_ARGUMENT, grpc.status.UNIMPLEMENTED]);
  assert.equal(await node.metric("remoteSamplingRequests", "sampling_grpc", "told"), 2);
  assert.equal(await node.metric("remoteSamplingRequests", "sampling_grpc", "invalid"), 2);
  await node.apply({ ...CONFIG, global: { sampling_rate: 0.5 } });
  const { code, text } = await call(node, named("cart"));
  assert.equal(code, grpc.status.FAILED_PRECONDITION);
  assert.match(text, /global\.sampling\.randomness: hash/u);
});

test("gRPC: by TLS, with the certificate of a client where one is asked for", async () => {
  const authority = await createAuthority();
  const [server, client] = [await authority.server(), await authority.client()];
  const tls = { cert: server.cert, key: server.key, client_ca: authority.ca };
  const listen = { sampling_grpc: { tls } };
  await using node = await startTestNode({ ...CONFIG, node: { listen } });
  const [ca, key, cert] = [authority.ca, client.key, client.cert].map((text) => Buffer.from(text)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const secure = grpc.credentials.createSsl(ca, key, cert);
  assert.equal((await call(node, named("payment"), { secure })).message, "120909000000000000f03f");
  assert.equal((await call(node, named("payment"))).code, grpc.status.UNAVAILABLE);
});

/**
 * OpenTelemetry's own, whose types are those of another release of the SDK, and which has no other
 * way to say that it is to ask now.
 */
interface RemoteSampler extends Pick<Sampler, "shouldSample"> {
  getAndUpdateSampler(): Promise<void>;
}

interface RemoteSamplerModule {
  readonly JaegerRemoteSampler: new (
    options: Readonly<Record<"endpoint" | "serviceName", string>> & {
      readonly poolingInterval: number;
      readonly initialSampler: Sampler;
    },
  ) => RemoteSampler;
}

const SAMPLER_MODULE: string = "@opentelemetry/sampler-jaeger-remote";
const { JaegerRemoteSampler } = (await import(SAMPLER_MODULE)) as RemoteSamplerModule;

/** Share of many random trace ids that the sampler samples. */
function sampledBy(sampler: RemoteSampler, name: string): number {
  const COUNT = 2_000;
  let sampled = 0;
  for (let i = 1; i <= COUNT; i++) {
    const word = Math.imul(i, 0x9e37_79b1) >>> 0;
    const traceId = word.toString(16).padStart(8, "0").padEnd(32, "0");
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId, name, SpanKind.SERVER, {}, []);
    if (decision === SamplingDecision.RECORD_AND_SAMPLED) sampled++;
  }
  return sampled / COUNT;
}

/** It asks when the test says so: nobody could stop its timer. */
function sdkSampler(node: TestNode, serviceName: string): RemoteSampler {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    return new JaegerRemoteSampler({
      endpoint: `http://${node.running.addresses.samplingHttp}`,
      serviceName,
      poolingInterval: 60_000,
      initialSampler: new AlwaysOnSampler(),
    });
  } finally {
    mock.timers.reset();
  }
}

test("the SDK for JavaScript takes the rates, of its service and of an operation", async () => {
  await using node = await startTestNode(CONFIG);
  const [cart, payment] = [sdkSampler(node, "cart"), sdkSampler(node, "payment")];
  assert.equal(sampledBy(cart, "GET /cart"), 1);
  await Promise.all([cart.getAndUpdateSampler(), payment.getAndUpdateSampler()]);
  assert.ok(Math.abs(sampledBy(cart, "GET /cart") - 0.25) < 0.05, `${sampledBy(cart, "GET /cart")}`);
  assert.ok(Math.abs(sampledBy(cart, "GET /healthz") - 1 / 32) < 0.02, `${sampledBy(cart, "GET /healthz")}`);
  assert.equal(sampledBy(payment, "POST /pay"), 1);
});

test("what the fleet is told is what sources are told, changed at most every two of their intervals", async () => {
  const clock = new ManualClock();
  // It measures nothing meanwhile, so that it decides nothing by itself.
  const own = { ...CONFIG.node, load: { interval: "1h" } };
  const global = { sampling: { randomness: "hash" }, sampling_strategies: [ALL] };
  await using node = await startTestNode({ ...CONFIG, node: own, global }, { clock });
  const sampler = sdkSampler(node, "cart");
  const next = async (state: SamplingState, minutes: number): Promise<number> => {
    clock.advance(minutes * 60_000);
    await node.running.dataPlane.direct(state);
    await sampler.getAndUpdateSampler();
    return sampledBy(sampler, "GET /cart");
  };
  const near = (share: number, want: number): void => assert.ok(Math.abs(share - want) < want / 3, `${share}`);
  near(await next(told(0.1, "adaptive"), 0), 1);
  near(await next(told(0.1, "adaptive"), 1), 0.25);
  near(await next(told(0.4, "adaptive"), 1), 0.25);
  near(await next(told(0.01, "degradation"), 1), 1 / 32);
  near(await next(told(0.4, "adaptive"), 1), 1 / 32);
  near(await next(told(0.9, "adaptive"), 2), 1 / 32);
  near(await next(told(0.9, "adaptive"), 1), 1 / 16);
});

/** What is told comes from the test alone: nothing follows the load by itself. */
const ALL = { type: "fixed", rate: 1 };

test("what the SDK for JavaScript sends falls within two of its intervals when the fleet degrades, and settles; so it does after", async () => {
  const clock = new ManualClock();
  const global = { sampling: { randomness: "hash" }, sampling_strategies: [{ type: "fixed", rate: 0.4 }] };
  const degradation = { enabled: true, threshold: 0.9, recovery_threshold: 0.5, target_rate: 0.01 };
  await using node = await startTestNode({ ...CONFIG, global: { ...global, degradation } }, { clock });
  const sampler = sdkSampler(node, "cart");
  /** What it sends after each of so many polls. */
  const polls = async (count: number): Promise<number[]> => {
    const shares: number[] = [];
    while (shares.length < count) {
      clock.advance(60_000);
      await sampler.getAndUpdateSampler();
      shares.push(sampledBy(sampler, "GET /cart"));
    }
    return shares;
  };
  const near = (shares: readonly number[], want: number): void => {
    for (const share of shares) assert.ok(Math.abs(share - want) < want / 3, `${shares.join()} for ${want}`);
  };
  const order = async (fleet: boolean): Promise<void> => {
    const body = { fleet, for: "2h" };
    const { status } = await callApi(node.admin, "/api/v1/degradation", { method: "PATCH", body });
    assert.equal(status, 200);
  };
  near(await polls(3), 1);
  await order(true);
  near((await polls(6)).slice(1), 1 / 32);
  await order(false);
  near((await polls(6)).slice(2), 1);
});
