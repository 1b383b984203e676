import { parseDuration, parseSize } from "../../core/units.ts";
import { atKey, caution, fault, type Finding, type Path } from "../finding.ts";
import { checkCoordination } from "./coordination.ts";
import { chainOf, type Outline, type OutlinePool } from "../outline.ts";
import { listOf, textOf, valueAt, type Values, valuesOf } from "../values.ts";

/** Strategies that cannot do what they are chosen for. */
export function checkStrategies(outline: Outline): Finding[] {
  const weights = new Map(
    outline.targets.flatMap(({ id, values }) => (id === undefined ? [] : [[id, values["weight"] ?? 1] as const])),
  );
  return outline.pools.flatMap((pool) => [
    ...checkFailover(pool),
    ...checkWeights(pool, weights),
    ...checkOtherwise(pool),
  ]);
}

function typeOf(values: Values): string {
  const { strategy } = values;
  return textOf(strategy) ?? textOf(valuesOf(strategy)?.["type"]) ?? "weighted_round_robin";
}

function strategyPath({ path, values }: OutlinePool): Path {
  return values["strategy"] === undefined ? path : [...path, "strategy"];
}

function checkFailover(pool: OutlinePool): Finding[] {
  const { values } = pool;
  if (typeOf(values) !== "failover" || listOf(values["targets"]).length !== 1) return [];
  return [
    caution(strategyPath(pool), "failover with one target has nowhere to go", "add a second target, or set fallback"),
  ];
}

/** Order and copies know no weights. */
const WITHOUT_WEIGHTS = new Set(["failover", "broadcast"]);

function checkWeights({ path, values }: OutlinePool, weights: ReadonlyMap<string, unknown>): Finding[] {
  const ids = listOf(values["targets"]);
  if (ids.length === 0 || WITHOUT_WEIGHTS.has(typeOf(values))) return [];
  if (!ids.every((id) => weights.get(textOf(id) ?? "") === 0)) return [];
  const message = ids.length === 1 ? "its only target has weight 0" : "all of its targets have weight 0";
  const hint = "0 is a standby beside targets that weigh more; among themselves they share alike";
  return [caution([...path, "targets"], message, hint)];
}

/** A case without conditions takes the rest. */
function checkOtherwise({ path, values }: OutlinePool): Finding[] {
  const strategy = valuesOf(values["strategy"]);
  if (strategy?.["type"] !== "content" || strategy["otherwise"] === undefined) return [];
  const takesAll = listOf(strategy["cases"]).findIndex((one) => {
    const conditions = valuesOf(one)?.["conditions"];
    return Array.isArray(conditions) && conditions.length === 0;
  });
  if (takesAll === -1) return [];
  const at = [...path, "strategy", "otherwise"];
  return [atKey(caution(at, `is never used: case ${takesAll + 1} matches everything`, "give the case conditions"))];
}

const QUEUE_BYTES = "64MiB";
const LARGEST = ["node", "limits", "max_request_bytes"] as const;
const HINT = "make queue.max_bytes at least node.limits.max_request_bytes";

/**
 * A queue that is smaller than the largest request refuses that request for ever, however often it
 * is sent again.
 */
export function checkQueueSize(outline: Outline): Finding[] {
  const largest = amountOf(valueAt(outline.root, ...LARGEST), QUEUE_BYTES);
  if (largest === undefined) return [];
  const takes = ({ values }: OutlinePool): boolean => {
    const room = amountOf(valueAt(values, "queue", "max_bytes"), QUEUE_BYTES);
    return room === undefined || room >= largest;
  };
  // Itself, or one of the pools that take over when it is full.
  const small = outline.pools.filter((pool) => !chainOf(pool, outline).some(takes));
  const findings = small.flatMap(({ path, values }) => {
    if (valueAt(values, "queue", "max_bytes") === undefined) return [];
    const message = "is less than node.limits.max_request_bytes: a request of that size would be refused for ever";
    return [caution([...path, "queue", "max_bytes"], message, HINT)];
  });
  const usual = amountOf(undefined, QUEUE_BYTES) ?? 0;
  const isImplied = outline.pools.length === 0 && outline.targets.length > 0 && largest > usual;
  if (!isImplied && findings.length === small.length) return findings;
  const message = "is more than a pool's queue.max_bytes, 64MiB by default: such a request would be refused for ever";
  return [...findings, caution(LARGEST, message, HINT)];
}

/** Values that are right by themselves but not beside each other. */
export function checkRanges(outline: Outline): Finding[] {
  const { root, pools } = outline;
  return [
    ...checkNode(root),
    ...checkDegradation(root),
    ...pools.flatMap(checkPool),
    ...Object.entries(valuesOf(root["regions"]) ?? {}).flatMap(([name, region]) =>
      checkRetry(valuesOf(valuesOf(region)?.["retry"]), ["regions", name, "retry"]),
    ),
  ];
}

/**
 * Milliseconds or bytes of what is written, or of the default; undefined when it cannot be read.
 */
function amountOf(value: unknown, otherwise: string): number | undefined {
  const written = value ?? otherwise;
  if (typeof written === "number") return written;
  return typeof written === "string" ? (parseDuration(written) ?? parseSize(written)) : undefined;
}

function checkNode(root: Values): Finding[] {
  const limits = valuesOf(valueAt(root, "node", "limits")) ?? {};
  const path = ["node", "limits"];
  const findings: Finding[] = [];
  const largest = amountOf(limits["max_request_bytes"], "64MiB");
  const inFlight = amountOf(limits["max_in_flight_bytes"], "64MiB");
  if (largest !== undefined && inFlight !== undefined && inFlight < largest) {
    const message = "is less than max_request_bytes: the largest request would never be admitted";
    findings.push(fault([...path, "max_in_flight_bytes"], message, "raise it to max_request_bytes or more"));
  }
  const usual = amountOf(limits["request_timeout"], "9s");
  const longest = amountOf(limits["max_timeout"], "60s");
  if (usual !== undefined && longest !== undefined && longest < usual) {
    findings.push(
      fault([...path, "max_timeout"], "is less than request_timeout", "raise it, or lower request_timeout"),
    );
  }
  return [...findings, ...checkCoordination(root)];
}

function checkDegradation(root: Values): Finding[] {
  const { threshold, recovery_threshold: recovery } = valuesOf(valueAt(root, "global", "degradation")) ?? {};
  if (typeof threshold !== "number" || typeof recovery !== "number" || recovery <= threshold) return [];
  const path = ["global", "degradation", "recovery_threshold"];
  return [
    fault(path, `${recovery} is above threshold ${threshold}: it would never recover`, "make it lower than threshold"),
  ];
}

function checkPool({ values, path }: { values: Values; path: Path }): Finding[] {
  const findings = checkRetry(valuesOf(values["retry"]), [...path, "retry"]);
  if (values["ack"] === "stored" && (valuesOf(values["queue"])?.["storage"] ?? "memory") === "memory") {
    findings.push(fault([...path, "ack"], "stored needs a disk queue", "queue: { storage: disk }"));
  }
  const strategy = valuesOf(values["strategy"]);
  if (strategy?.["type"] === "latency" && strategy["pick"] === "within" && strategy["threshold"] === undefined) {
    findings.push(fault([...path, "strategy"], "pick: within needs a threshold", "threshold: 50ms"));
  }
  if (strategy?.["type"] === "load_latency" && strategy["load_weight"] === 0 && strategy["latency_weight"] === 0) {
    findings.push(
      fault([...path, "strategy"], "load_weight and latency_weight are both 0", "make one of them greater"),
    );
  }
  return findings;
}

function checkRetry(retry: Values | undefined, path: Path): Finding[] {
  const initial = amountOf(retry?.["initial"], "500ms");
  const max = amountOf(retry?.["max"], "30s");
  if (retry === undefined || initial === undefined || max === undefined || max >= initial) return [];
  const at = [...path, retry["max"] === undefined ? "initial" : "max"];
  return [fault(at, "retry.max is less than retry.initial", "no wait may be longer than max")];
}
