/**
 * A router inside a program: three targets, a rule, health checks, and the strategies, one after
 * the other. Starts three OTLP servers on free ports, routes real data to them over gRPC, and ends
 * by itself: `node examples/dynamic-routing.ts`.
 *
 * In a program of your own, import from "signalbox": all else stays as it is. This one takes the
 * source beside it, so that it runs in a checkout that was not built.
 */
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createRouter, type EmbeddedRouter } from "../src/index.ts";

/** What the three targets are, and how long each takes to answer. */
const BACKENDS = [
  { id: "backend-1", weight: 50, region: "us-east-1", tags: { tier: "premium" }, delayMs: 50 },
  { id: "backend-2", weight: 30, region: "us-west-2", tags: { tier: "standard" }, delayMs: 30 },
  { id: "backend-3", weight: 20, region: "eu-west-1", tags: { tier: "basic" }, delayMs: 100 },
] as const;
const IDS = BACKENDS.map(({ id }) => id);

/** A small OTLP/gRPC server that accepts everything, after a while. */
class Backend implements AsyncDisposable {
  /** Export requests with something in them: checks of its health are empty. */
  received = 0;
  readonly #delayMs: number;
  readonly #server: Http2Server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#server.on("stream", (stream) => {
      let bytes = 0;
      stream.on("error", () => undefined); // a call that was given up
      stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
      stream.on("end", () => void this.#answer(stream, bytes));
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(stream: ServerHttp2Stream, bytes: number): Promise<void> {
    await sleep(this.#delayMs);
    if (stream.destroyed) return;
    if (bytes > GRPC_PREFIX_BYTES) this.received++;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.alloc(GRPC_PREFIX_BYTES)); // an empty response
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const GRPC_PREFIX_BYTES = 5;

/** A span as the program below routes it: what rules ask, and a trace id. */
const SPAN = {
  service: "my-service",
  span_name: "GET /cart",
  resource: { region: "us-east-1" },
  trace_id: "00000000000000000000000000003039",
} as const;

async function checkHealth({ targets }: EmbeddedRouter): Promise<void> {
  console.log("\nHealth checks:");
  while (targets.statuses.some(({ check }) => check === undefined)) await sleep(20);
  for (const { id, endpoint, state, check } of targets.statuses) {
    console.log(`  ${id} (${endpoint}): ${state}, check ${check?.result}`);
  }
}

function pickByWeight({ targets }: EmbeddedRouter): void {
  console.log("\nWeighted round robin:");
  const balancer = targets.balancer({ type: "weighted_round_robin" });
  for (let request = 1; request <= 10; request++) {
    const id = balancer.next() ?? "nobody";
    console.log(`  request ${request} -> ${id} (weight ${targets.status(id)?.weight})`);
  }
}

/** Latencies are measured: each target gets a few requests, and takes the time that it takes. */
async function pickByLatency({ targets }: EmbeddedRouter): Promise<void> {
  console.log("\nLatency:");
  const body = Buffer.from("0a00", "hex"); // one resource without anything
  await Promise.all(
    IDS.map(async (id) => {
      for (let i = 0; i < 3; i++) await targets.send(id, "traces", body);
    }),
  );
  for (const { id, latencyMs = 0 } of targets.statuses) console.log(`  ${id}: ${latencyMs.toFixed(0)} ms`);
  console.log(`  lowest latency: ${targets.balancer({ type: "latency", pick: "lowest" }).next()}`);
}

function pickByRegion({ targets }: EmbeddedRouter): void {
  console.log("\nGeography:");
  const inRegion = targets.statuses.filter(({ region }) => region === "us-east-1");
  console.log(`  targets in us-east-1: ${inRegion.length}`);
  for (const region of ["us-east-1", "eu-west-1", "ap-south-1"]) {
    const balancer = targets.balancer({ type: "geography", region, order: ["us-west-2"] });
    console.log(`  an item of ${region} -> ${balancer.next()}`);
  }
}

/** What no rule takes goes to the default pool, which looks at the service. */
function routeByContent(router: EmbeddedRouter): void {
  console.log("\nContent:");
  for (const service of ["my-shop", "other"]) {
    const { targets } = router.route({ service });
    console.log(`  ${service} matches ${targets.length} target(s): ${targets.map(({ id }) => id).join(", ")}`);
  }
}

async function routeSpan(router: EmbeddedRouter, backends: readonly Backend[]): Promise<void> {
  console.log("\nA span through the router:");
  const { rule, pool, targets, pick } = router.route(SPAN);
  const picked = pick?.kind === "target" ? pick.target : "unknown";
  console.log(`  rule ${rule}, pool ${pool}, ${targets.length} targets:`);
  for (const { id, endpoint, usable } of targets) console.log(`    - ${id} (${endpoint})${usable ? "" : " out"}`);
  const before = backends.map(({ received }) => received);
  const reply = await router.send(SPAN);
  const at = IDS.filter((_, i) => backends[i]!.received > before[i]!);
  console.log(`  picked ${picked}, ${reply.ok ? "delivered" : reply.refusal.message} to ${at.join(", ")}`);
}

/** Nine more, so that there is something to count. */
async function showMetrics(router: EmbeddedRouter): Promise<void> {
  const startedMs = performance.now();
  for (let i = 0; i < 9; i++) await router.send(SPAN);
  const meanMs = (performance.now() - startedMs) / 9;
  console.log("\nMetrics:");
  const rows = router.ledger();
  const total = (key: "received" | "delivered" | "rejected"): number => rows.reduce((sum, row) => sum + row[key], 0);
  console.log(`  routed: ${total("received")}, delivered: ${total("delivered")}, failed: ${total("rejected")}`);
  console.log(`  mean latency: ${meanMs.toFixed(1)} ms`);
  const sends = router.metrics().match(/^signalbox_export_sends_total\{.*outcome="accepted".*$/gmu) ?? [];
  for (const line of sends) console.log(`  ${line}`);
}

async function main(): Promise<void> {
  console.log("=== Dynamic routing ===");
  await using opened = new AsyncDisposableStack();
  const backends = BACKENDS.map(({ delayMs }) => opened.use(new Backend(delayMs)));
  const endpoints = await Promise.all(backends.map((backend) => backend.listen()));

  const config = {
    targets: BACKENDS.map(({ id, weight, region, tags }, i) => ({
      id,
      endpoint: endpoints[i]!,
      weight,
      region,
      tags,
      health_check: { type: "otlp" as const, interval: "1s" },
    })),
    default_pool: {
      targets: IDS,
      strategy: {
        type: "content" as const,
        cases: [{ conditions: [{ service_name: { regex: "^my-.*" } }], targets: ["backend-1"] }],
      },
    },
  };
  const router = opened.use(await createRouter(config, { checks: "run" }));

  const added = await router.addRule({
    id: "rule-1",
    priority: 100,
    conditions: [{ service_name: "my-service" }, { region: "us-east-1" }],
    targets: IDS,
    strategy: "weighted_round_robin",
  });
  console.log(`\nRule rule-1: ${added.kind}, version ${router.version}`);

  await checkHealth(router);
  pickByWeight(router);
  await pickByLatency(router);
  pickByRegion(router);
  routeByContent(router);
  await routeSpan(router, backends);
  await showMetrics(router);
}

await main();
console.log("\nDone: nothing is open any more.");
