/**
 * What resources of a request cost: nanoseconds of CPU to scan and route 100 spans in one, four and
 * ten resources, to two pools and to one; the same resources again and again (160 at most), and
 * ever new ones, a million. `node bench/resources.ts` prints JSON.
 */
import { Router } from "../src/data/route/route.ts";
import { prepare } from "../src/generate/generate.ts";
import type { PreparedRequest } from "../src/generate/prepared.ts";
import { Envelope, scanEnvelope } from "../src/otlp/scan.ts";
import type { RoutePlan } from "../src/plan/route-plan.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { planOf } from "../test/scenario/ledger-rig.ts";
import { serviceNames } from "./case.ts";

const SPANS = 100;
const DISTINCT = 16;
const WARM_UP = 8_000;
const REQUESTS = 2_000;
/** What disturbs the machine disturbs some rounds: the least counts. */
const ROUNDS = 8;
const WALL_MS = 1_750_000_000_000;
const SERVICES = serviceNames(8);
/** Letters of a number within a resource, five bits each. */
const LETTERS = 5;

function planFor(pools: 1 | 2): RoutePlan {
  const odd = SERVICES.filter((_, i) => i % 2 === 1);
  const rules = odd.map((service, i) => ({ id: `r${i}`, conditions: [{ service_name: service }], pool: "b" }));
  const targets = ["a", "b"].map((id, i) => ({ id, endpoint: `http://127.0.0.1:${i + 1}` }));
  const config = {
    targets,
    pools: { a: { targets: ["a"] }, b: { targets: ["b"] } },
    rules: pools === 2 ? rules : [],
    default_pool: "a",
  };
  return planOf(JSON.stringify(config)).routes.traces;
}

function requestsOf(resources: number): PreparedRequest[] {
  return Array.from({ length: DISTINCT }, (_, i) => {
    const of = { items: SPANS, resources, services: SERVICES, firstService: i * resources, seed: i, wallMs: WALL_MS };
    const request = prepare("traces", "protobuf", of);
    return { ...request, bytes: Buffer.from(request.bytes) };
  });
}

let newest = 0;
const envelope = new Envelope();

/** Writes a number that was not there before into the last value of each resource. */
function renew(bytes: Uint8Array, ends: readonly number[]): void {
  for (const end of ends) {
    newest++;
    for (let i = 0; i < LETTERS; i++) bytes[end - 1 - i] = 64 + ((newest >>> (5 * i)) & 31);
  }
}

function endsOf(bytes: Uint8Array): readonly number[] {
  scanEnvelope("traces", bytes, envelope);
  return Array.from(envelope.resourceEnd.subarray(0, envelope.resources));
}

/** Nanoseconds for one request. */
function measure(plan: RoutePlan, resources: number, isNew: boolean): number {
  const view = { refresh: () => undefined, usableFor: () => true, hasAnyRoom: () => true, ownerOf: () => 0 };
  const pools = plan.pools.map(() => ({ ...view, whenDown: "next_rule" as const }));
  const router = new Router(plan, pools, createMetrics());
  const requests = requestsOf(resources).map(({ bytes }) => ({ bytes, ends: endsOf(bytes) }));
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const { bytes, ends } = requests[i % DISTINCT]!;
      if (isNew) renew(bytes, ends);
      scanEnvelope("traces", bytes, envelope);
      router.route(envelope, "here");
      router.release();
      envelope.release();
    }
  };
  run(WARM_UP);
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    run(REQUESTS);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, ((user + system) * 1_000) / REQUESTS);
  }
  return Math.round(least);
}

const rows = ([2, 1] as const).flatMap((pools) => {
  const plan = planFor(pools);
  return [1, 4, 10].flatMap((resources) =>
    [false, true].map((isNew) => ({ pools, resources, isNew, nsPerRequest: measure(plan, resources, isNew) })),
  );
});
process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
