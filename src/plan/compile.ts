import { placeOf } from "../config/discovered.ts";
import type { Path } from "../config/finding.ts";
import type { FleetConfig, NodeConfig, PoolConfig, RuleConfig, TargetConfig } from "../config/schema/config.ts";
import { sourcesOf } from "../config/taint.ts";
import { MappedList } from "../core/recent-list.ts";
import { remembered } from "../core/remembered.ts";
import type { Secret } from "../core/secret.ts";
import { literal, type SecretSource } from "../core/secret-source.ts";
import { sha256Of } from "../core/sha256.ts";
import { USUAL_LEVEL } from "../otlp/compress.ts";
import { compileDivision, compileStrategy } from "./compile-strategy.ts";
import { compileLimits } from "./compile-limits.ts";
import { compileSampling } from "./compile-sampling.ts";
import { compileProtocol } from "./compile-protocol.ts";
import { compileMembers } from "./members.ts";
import { PLAN_SCHEMA, type PlanData, type PoolData, type TargetData, type TargetTlsData } from "./plan-data.ts";
import { poolInRegion, regionOf } from "./region-settings.ts";
import { compileOwnHeaders, compileTargetHealth } from "./target-health.ts";

export interface CompileOptions {
  /** Counts up with every config that is applied. */
  readonly version: number;
  /** The document that the config was read from: its digest tells people which one runs. */
  readonly text: string;
  /** Of a node that has no config yet, and runs an empty one: what its senders are told. */
  readonly noConfig?: string | undefined;
  /** What nodes of the fleet prove links with (`linkKeysOf`); default: nothing. */
  readonly linkKeys?: readonly string[];
}

/** What of a node's own settings is part of its plan; all else is the fleet's. */
export type NodePart = Partial<Pick<NodeConfig, "id" | "tags">> & Pick<NodeConfig, "region" | "plugins">;

/**
 * Compiles a valid config. Pure, and cannot fail: what could be wrong was found when the config was
 * loaded.
 */
export function compile(fleet: FleetConfig, node: NodePart, options: CompileOptions): PlanData {
  const { version, text, noConfig, linkKeys = [] } = options;
  const sourceOf = sourcesOf(fleet);
  const own = regionOf(fleet, node.region);
  const sourceIn = (place: Path): SourceAt => {
    return (value, ...at) => sourceOf([...place, ...at], typeof value === "string" ? value : value.reveal());
  };
  const targets = fleet.targets.map((target, i) => {
    const source = sourceIn(placeOf(target) ?? ["targets", i]);
    return { ...compileTarget(target, source), members: compileMembers(target, node) };
  });
  const itself = new Set(targets.flatMap(({ id, members }) => (members?.isSelf === true ? [id] : [])));
  const plan = plainOf({
    version,
    digest: digestOf(text),
    nodeRegion: node.region,
    plugins: node.plugins,
    noConfig,
    targets,
    pools: Object.entries(fleet.pools).map(([name, pool]) =>
      compilePool(name, poolOnNode(poolInRegion(pool, own), itself), fleet.targets, own),
    ),
    defaultPool: fleet.default_pool,
    unmatched: fleet.unmatched,
    sampling: compileSampling(fleet, node.region),
    limits: compileLimits(fleet.global.rate_limiting),
  });
  const hasLinks = linkKeys.length > 0 && targets.some(({ members }) => members !== undefined);
  const links = hasLinks ? { linkKeys: linkKeys.map(literal) } : {};
  return { schema: PLAN_SCHEMA, ...plan, ...links, rules: recentRules.of(fleet.rules, plainRule) };
}

/** A rule that stays is the same object in the next plan, so that what was made of it is known. */
const plainRule = remembered(plainOf<RuleConfig>);

const recentRules = new MappedList<RuleConfig, RuleConfig>();

/** The first 12 hex digits of the document's SHA-256. */
export function digestOf(text: string): string {
  return sha256Of(text).slice(0, 12);
}

/** Where a text of a target comes from, by its place in the target. */
type SourceAt = (value: Secret | string, ...at: Path) => SecretSource;

function compileTarget(target: TargetConfig, sourceAt: SourceAt): TargetData {
  const headers = compileOwnHeaders(target.headers, (name, value) => sourceAt(value, "headers", name));
  return {
    id: target.id,
    ...compileProtocol(target),
    url: target.endpoint.replace(/\/+$/u, ""),
    resolve: target.resolve,
    proxy: target.proxy === "none" ? "none" : target.proxy && sourceAt(target.proxy, "proxy"),
    weight: target.weight,
    region: target.region,
    tags: target.tags,
    compression: target.compression,
    compressionLevel: target.compression_level ?? USUAL_LEVEL,
    headers,
    forwardHeaders: namesOf(target.forward_headers).filter((name) => !Object.hasOwn(headers, name)),
    tls: compileTls(target, sourceAt),
    timeoutMs: target.timeout,
    maxInFlight: target.limits.max_in_flight,
    maxRequestBytes: target.limits.max_request_bytes,
    health: compileTargetHealth(target, (name, value) => sourceAt(value, "health_check", "headers", name)),
    statuses: target.statuses,
  };
}

function namesOf(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))].toSorted();
}

function compileTls({ tls }: TargetConfig, sourceAt: SourceAt): TargetTlsData | undefined {
  if (tls === undefined) return undefined;
  const pem = (key: "ca" | "cert" | "key"): SecretSource | undefined => {
    const text = tls[key];
    return text === undefined ? undefined : sourceAt(text, "tls", key);
  };
  return {
    ca: pem("ca"),
    cert: pem("cert"),
    key: pem("key"),
    serverName: tls.server_name,
    insecureSkipVerify: tls.insecure_skip_verify,
  };
}

/**
 * Of a pool whose target is this node itself: it leads nowhere here, and what is for it goes on
 * with the next rule, whatever is to be done where it leads somewhere.
 */
function poolOnNode(pool: PoolConfig, itself: ReadonlySet<string>): PoolConfig {
  if (pool.targets.length === 0 || !pool.targets.every((id) => itself.has(id))) return pool;
  return { ...pool, when_down: "next_rule", fallback: undefined };
}

function compilePool(
  name: string,
  pool: PoolConfig,
  targets: readonly TargetConfig[],
  region: ReturnType<typeof regionOf>,
): PoolData {
  return {
    name,
    targets: [...new Set(pool.targets)],
    strategy: compileStrategy(pool.strategy, region?.routing_preference),
    division: compileDivision(pool, targets),
    adaptiveWeights: pool.adaptive_weights,
    fallback: pool.fallback,
    ack: pool.ack === "queued" ? "queued" : "delivered",
    ...(pool.compressed === "pass_through" && { compressed: pool.compressed }),
    whenDown: pool.when_down,
    queue: { maxBytes: pool.queue.max_bytes, maxItems: region?.buffer_size, maxAgeMs: pool.queue.max_age },
    batch: { maxItems: pool.batch.max_items, maxBytes: pool.batch.max_bytes, maxWaitMs: pool.batch.max_wait },
    retry: {
      initialMs: pool.retry.initial,
      maxMs: pool.retry.max,
      maxRetries: pool.retry.max_retries,
      budget: pool.retry.budget,
    },
  };
}

/**
 * A value as JSON would give it back: keys without a value are left out, and -0 is 0. What needs no
 * change is shared with what was given, and not copied. For trees of texts, finite numbers,
 * booleans, null, lists and objects without a class.
 */
function plainOf<Value>(value: Value): Value {
  return plain(value) as Value; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what is left out had no value
}

function plain(value: unknown): unknown {
  if (isPlain(value)) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return 0;
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.map(([key, entry]) => [key, plain(entry)]));
}

/** Whether nothing of it is to be changed. Nearly always: nothing is made for it. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return !Object.is(value, -0);
  if (Array.isArray(value)) return value.every(isPlain);
  for (const key in value) {
    const entry: unknown = Reflect.get(value, key);
    if (entry === undefined || !isPlain(entry)) return false;
  }
  return true;
}
