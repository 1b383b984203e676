import { caution, type Finding } from "../finding.ts";
import type { Outline, OutlinePool, OutlineRule } from "../outline.ts";
import { ALL_SIGNALS } from "../schema/values.ts";
import { entriesOf, listOf, textOf, valueAt, type Values, valuesOf } from "../values.ts";
import { membersOf } from "./references.ts";

/** Why a pool that asks for it gets nothing unread, and what would mend that. */
type Why = readonly [message: string, hint: string];

/**
 * Pools that ask to be passed what comes compressed, where all of it has to be read: the same
 * reasons as those of plan/pass-through.ts, as far as they can be seen in what is written.
 */
export function checkPassThrough(outline: Outline): Finding[] {
  const asking = outline.pools.filter(({ values }) => values["compressed"] === "pass_through");
  if (asking.length === 0) return [];
  const signals = ALL_SIGNALS.map((signal) => readSignal(signal, outline));
  return asking.flatMap((pool) => checkPool(pool, signals, outline));
}

/** What is so of a signal for all pools: it is asked for once, as there may be many rules. */
interface ReadSignal {
  readonly signal: string;
  readonly why: Why | undefined;
  /** The pools that get some of it: by name, or by what is written in place. */
  readonly pools: ReadonlySet<unknown>;
}

function readSignal(signal: string, outline: Outline): ReadSignal {
  const { root } = outline;
  const rules = outline.rules.filter(({ signals }) => signals.includes(signal));
  const pools = new Set<unknown>(rules.map(({ values }) => values["pool"] ?? values));
  pools.add(root["default_pool"]);
  return { signal, why: whyGlobal(signal, outline) ?? whyRules(signal, rules), pools };
}

function checkPool(pool: OutlinePool, signals: readonly ReadSignal[], outline: Outline): Finding[] {
  const its = signals.filter(({ pools }) => pools.has(pool.name ?? pool.values));
  const whyOfPool = whyPool(pool) ?? whyTargets(pool, outline);
  const reasons = new Map<string, { readonly why: Why; readonly signals: string[] }>();
  for (const { signal, why: whyOfSignal } of its) {
    const why = whyOfPool ?? whyOfSignal;
    if (why === undefined) continue;
    const known = reasons.get(why[0]) ?? { why, signals: [] };
    known.signals.push(signal);
    reasons.set(why[0], known);
  }
  return [...reasons.values()].map(({ why: [message, hint], signals: some }) => {
    const which = some.length === its.length ? "" : ` for ${some.join(" and ")}`;
    return caution([...pool.path, "compressed"], `pass_through has no effect${which}: ${message}`, hint);
  });
}

const LOOKS = new Set(["content", "consistent_hash", "geography", "broadcast"]);

function whyPool({ values }: OutlinePool): Why | undefined {
  const { ack = "delivered", strategy } = values;
  if (ack !== "delivered") return ["what is acknowledged early is checked first", "ack: delivered"];
  const type = textOf(strategy) ?? textOf(valuesOf(strategy)?.["type"]) ?? "";
  if (!LOOKS.has(type)) return undefined;
  const what = type === "broadcast" ? "makes copies" : "looks at items";
  return [`strategy ${type} ${what}`, "choose a strategy that looks at targets only"];
}

/** Nothing is said where the targets cannot be made out. */
function whyTargets({ values: pool }: OutlinePool, outline: Outline): Why | undefined {
  const its = membersOf(outline, pool["targets"]).map(({ values }) => values);
  if (its.length === 0) return undefined;
  const first = its[0]?.["compression"] ?? "none";
  const hint = "give all of them the same compression: gzip, or zstd";
  if (its.some(({ protocol }) => protocol === "http/json")) return ["a target is sent JSON", "another protocol"];
  if (its.some(({ compression = "none" }) => compression !== first)) return ["its targets differ in compression", hint];
  return first === "none" ? ["its targets have no compression", hint] : undefined;
}

function whyGlobal(signal: string, { root }: Outline): Why | undefined {
  if (valueAt(root, "global", "rate_limiting") !== undefined)
    return ["global.rate_limiting counts items", "take one of the two out"];
  if (isSampled(signal, root)) return [`${signal} are sampled`, "take one of the two out"];
  const region = textOf(valueAt(root, "node", "region")) ?? "default";
  if (valueAt(root, "regions", region, "buffer_size") === undefined) return undefined;
  return ["buffer_size of this node's region counts items", "take one of the two out"];
}

function isSampled(signal: string, root: Values): boolean {
  const path = ["global", "sampling_strategies"];
  const strategies = entriesOf(valueAt(root, ...path), path);
  const spoken = strategies.some(({ values: { signals } }) => {
    return signals === undefined ? signal === "traces" : listOf(signals).includes(signal);
  });
  if (spoken || signal !== "traces") return spoken;
  const degradation = valuesOf(valueAt(root, "global", "degradation"));
  const rates = Object.values(valuesOf(root["regions"]) ?? {}).map((region) => valueAt(region, "sampling_rate"));
  const lowers = [valueAt(root, "global", "sampling_rate"), ...rates].some(
    (rate) => typeof rate === "number" && rate < 1,
  );
  return lowers || (degradation !== undefined && degradation["enabled"] !== false);
}

/** One rule has to take everything of the signal, before any other is asked. */
function whyRules(signal: string, rules: readonly OutlineRule[]): Why | undefined {
  const hint = "one rule without conditions, or default_pool, has to take everything";
  for (const rule of rules.toSorted((a, b) => b.priority - a.priority)) {
    if (mayBeOfOthers(rule, signal)) continue; // it may be a rule that asks nothing of this signal
    const name = rule.id === undefined ? "a rule" : `rule ${rule.id}`;
    if (!rule.unconditional) return [`${name} has conditions, and comes first`, hint];
    if (!rule.stops) return [`${name} copies, and the rules after it are asked`, hint];
    return undefined; // its pool gets all of it: this one, or another, for which nobody asked
  }
  return undefined;
}

/** Conditions that items of some signals meet only; those within others are not looked through. */
const OF_SOME: Readonly<Record<string, readonly string[]>> = {
  span_kind: ["traces"],
  span_name: ["traces"],
  span_status: ["traces"],
  sample_rate: ["traces", "logs"],
  severity: ["logs"],
  metric_name: ["metrics"],
};
const WITH_PARTS = ["any", "not"];

function mayBeOfOthers({ values }: OutlineRule, signal: string): boolean {
  return listOf(values["conditions"]).some((condition) => {
    return Object.keys(valuesOf(condition) ?? {}).some((key) => {
      return WITH_PARTS.includes(key) || OF_SOME[key]?.includes(signal) === false;
    });
  });
}
