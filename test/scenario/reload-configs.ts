import { type Random, seededRandom } from "../../src/core/random.ts";
import { PATIENCE_MS } from "../support/patience.ts";

const STRATEGIES = [
  "round_robin",
  "weighted_round_robin",
  "weighted_random",
  "failover",
  "{ type: failover, return_after: 0s }",
  "least_connections",
  "latency",
  "load_latency",
  "geography",
  "consistent_hash",
  "{ type: consistent_hash, key: { attribute: http.route } }",
  "{ type: content, cases: [{ conditions: [{ span_kind: server }], targets: [FIRST] }] }",
];
const BATCHES = ["{}", "{ max_wait: 5ms }", "{ max_items: 7 }"];
const SERVICES = ["checkout", "cart", "payment"];

/** A file that must change nothing: broken syntax, a problem, or no text at all. */
export const BAD_FILES = ["targets: [", "rules: [{ id: r, pool: nowhere }]", ""];

/**
 * The fleet's part of a config over the targets a, b and c, which any number of different ones
 * stand for: rules, weights, pools and targets come and go with the seed, while every item still
 * goes to exactly one target. No call is given up, and made again, because the machine is busy.
 */
export function someConfig(seed: number): string {
  const random = seededRandom(seed);
  const targets = ["a", "b", "c"].flatMap((id) => targetsOf(id, random));
  const poolNames = someOf(["p0", "p1", "p2", "p3"], random);
  const pools = poolNames.map((name, i) => poolOf(name, poolNames.slice(i + 1), targets, random));
  const names = pools.map(({ name }) => name);
  const rules = SERVICES.flatMap((service) => rulesOf(service, names, random));
  return `
node: { log: { level: error }, limits: { request_timeout: ${PATIENCE_MS}, max_timeout: ${PATIENCE_MS} } }
targets:
${targets.map(({ text }) => `  - ${text}`).join("\n")}
pools:
${pools.map(({ name, text }) => `  ${name}: ${text}`).join("\n")}
rules: [${rules.join(", ")}]
default_pool: ${oneOf(names, random)}
`;
}

interface Named {
  readonly name: string;
  readonly text: string;
}

/**
 * The sink's own target, and sometimes another name for the same address: what is added and
 * removed.
 */
function targetsOf(id: string, random: Random): Named[] {
  const twins = random.next() < 0.5 ? [id] : [id, `${id}-twin`];
  return twins.map((name) => {
    const weight = 1 + Math.floor(random.next() * 4);
    const compression = oneOf(["none", "gzip"], random);
    const limits = `limits: { max_in_flight: ${oneOf(["2", "16"], random)} }`;
    const headers = `headers: { x-seed: "${Math.floor(random.next() * 3)}" }`;
    return {
      name,
      text: `{ id: ${name}, endpoint: "ENDPOINT-${id}", protocol: PROTOCOL-${id}, timeout: ${PATIENCE_MS}, weight: ${weight}, compression: ${compression}, ${limits}, ${headers} }`,
    };
  });
}

function poolOf(name: string, laterPools: readonly string[], targets: readonly Named[], random: Random): Named {
  const ids = someOf(
    targets.map((target) => target.name),
    random,
  );
  const ack = oneOf(["delivered", "delivered", "queued"], random);
  const strategy = oneOf(STRATEGIES, random).replace("FIRST", ids[0]!);
  const after = laterPools.length > 0 && random.next() < 0.3 ? `, fallback: ${oneOf(laterPools, random)}` : "";
  return {
    name,
    text: `{ targets: [${ids.join(", ")}], strategy: ${strategy}, ack: ${ack}, batch: ${oneOf(BATCHES, random)}${after} }`,
  };
}

function rulesOf(service: string, pools: readonly string[], random: Random): string[] {
  if (random.next() < 0.3) return [];
  const priority = Math.floor(random.next() * 1_000);
  const pool = oneOf(pools, random);
  const byResource = `{ id: ${service}, priority: ${priority}, conditions: [{ service_name: ${service} }], pool: ${pool} }`;
  const half = `{ id: ${service}-half, priority: high, conditions: [{ service_name: ${service} }, { sample_rate: 0.5 }], pool: ${oneOf(pools, random)} }`;
  return random.next() < 0.5 ? [byResource] : [byResource, half];
}

/** At least one, in an order of its own. */
function someOf(all: readonly string[], random: Random): string[] {
  const kept = all.filter(() => random.next() < 0.6);
  const some = kept.length > 0 ? kept : [oneOf(all, random)];
  return random.next() < 0.5 ? some : some.toReversed();
}

function oneOf(all: readonly string[], random: Random): string {
  return all[Math.floor(random.next() * all.length)]!;
}
