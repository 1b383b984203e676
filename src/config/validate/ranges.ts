import { parseDuration, parseSize } from "../../core/units.ts";
import { type Finding, fault, type Path } from "../finding.ts";
import { entriesOf, type Outline, type Values, valueAt, valuesOf } from "../outline.ts";

/** Values that are right by themselves but not beside each other. */
export function checkRanges(outline: Outline): Finding[] {
  const { root, pools } = outline;
  return [
    ...checkNode(root),
    ...checkDegradation(root),
    ...entriesOf(valueAt(root, "global", "sampling_strategies"), ["global", "sampling_strategies"]).flatMap(
      checkSampling,
    ),
    ...pools.flatMap(checkPool),
    ...Object.entries(valuesOf(root["regions"]) ?? {}).flatMap(([name, region]) =>
      checkRetry(valuesOf(valuesOf(region)?.["retry"]), ["regions", name, "retry"]),
    ),
  ];
}

/** Milliseconds or bytes of what is written, or of the default; undefined when it cannot be read. */
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
  const type = valueAt(root, "node", "coordination", "type");
  const endpoints = valueAt(root, "node", "coordination", "endpoints");
  if (
    (type === "etcd" || type === "consul") &&
    (endpoints === undefined || (Array.isArray(endpoints) && endpoints.length === 0))
  ) {
    const hint = `endpoints: ["http://127.0.0.1:${type === "etcd" ? 2_379 : 8_500}"]`;
    findings.push(fault(["node", "coordination"], `${type} needs endpoints`, hint));
  }
  return findings;
}

function checkDegradation(root: Values): Finding[] {
  const { threshold, recovery_threshold: recovery } = valuesOf(valueAt(root, "global", "degradation")) ?? {};
  if (typeof threshold !== "number" || typeof recovery !== "number" || recovery <= threshold) return [];
  const path = ["global", "degradation", "recovery_threshold"];
  return [
    fault(path, `${recovery} is above threshold ${threshold}: it would never recover`, "make it lower than threshold"),
  ];
}

function checkSampling({ values, path }: { values: Values; path: Path }): Finding[] {
  if (values["type"] === "adaptive") {
    const { min_rate: min, max_rate: max } = values;
    const isWrong = typeof min === "number" && typeof max === "number" && max < min;
    return isWrong ? [fault([...path, "max_rate"], `${max} is less than min_rate ${min}`, "swap them")] : [];
  }
  if (values["type"] !== "priority_based") return [];
  const classes = ["high", "normal", "low"].filter((name) => values[name] !== undefined);
  if (values["rules"] === undefined && classes.length === 0) {
    return [fault(path, "has neither rules nor rates", "add rules: [...], or high, normal and low")];
  }
  if (values["rules"] === undefined || classes.length === 0) return [];
  return classes.map((name) => fault([...path, name], "stands beside rules", "use rules, or high, normal and low"));
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
