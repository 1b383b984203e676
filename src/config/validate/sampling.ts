import { atKey, caution, fault, type Finding, formatPath, type Path } from "../finding.ts";
import type { Outline } from "../outline.ts";
import { formatDuration, parseDuration } from "../../core/units.ts";
import { SamplingSchema } from "../schema/sampling.ts";
import { PRIORITIES } from "../schema/values.ts";
import { entriesOf, listOf, textOf, valueAt, type Values, valuesOf } from "../values.ts";

interface Placed {
  readonly values: Values;
  readonly path: Path;
}

/** Rates of a priority_based strategy without rules: long, short, and what they are for. */
const RATES = [
  { long: "high_priority_rate", short: "high", isFor: "high" },
  { long: "normal_rate", short: "normal", isFor: "normal" },
  { long: "low_priority_rate", short: "low", isFor: "low" },
] as const;

/** Sampling that cannot be done, or of which a part has no effect. */
export function checkSampling(outline: Outline): Finding[] {
  const strategies = strategiesOf(outline.root);
  return [
    ...strategies.flatMap((strategy) => [...checkStrategy(strategy), ...checkRates(strategy, outline)]),
    ...checkDefaults(strategies),
    ...checkBehindAll(strategies),
    ...checkFixed(strategies),
    ...checkSamplingRate(outline, strategies),
    ...checkCeilings(outline, strategies),
    ...checkLogs(outline, strategies),
    ...checkFallback(outline),
  ];
}

/** As they are written. */
export function strategiesOf(root: Values): Placed[] {
  const at = ["global", "sampling_strategies"];
  return entriesOf(valueAt(root, ...at), at);
}

function checkStrategy({ values, path }: Placed): Finding[] {
  switch (values["type"]) {
    case "adaptive": {
      const { min_rate: min, max_rate: max } = values;
      const isWrong = typeof min === "number" && typeof max === "number" && max < min;
      return isWrong ? [fault([...path, "max_rate"], `${max} is less than min_rate ${min}`, "swap them")] : [];
    }
    case "cost_based": {
      const isFree = [values["cost_per_span"], values["cost_per_byte"]].every(
        (cost) => cost === undefined || cost === 0,
      );
      return isFree ? [fault(path, "nothing costs anything", "set cost_per_span, or cost_per_byte")] : [];
    }
    case "priority_based":
      return checkPriorities({ values, path });
    default:
      return [];
  }
}

function checkPriorities({ values, path }: Placed): Finding[] {
  const written = RATES.flatMap(({ long, short }) => [long, short]).filter((name) => values[name] !== undefined);
  if (values["rules"] !== undefined) {
    return written.map((name) =>
      fault([...path, name], "stands beside rules", "use rules, or a rate for each priority"),
    );
  }
  if (written.length === 0) {
    const hint = "add rules: [...], or high_priority_rate, normal_rate and low_priority_rate";
    return [fault(path, "has neither rules nor rates", hint)];
  }
  const twice = RATES.filter(({ long, short }) => values[long] !== undefined && values[short] !== undefined);
  return twice.map(({ long, short }) => fault([...path, short], `stands beside ${long}`, "use one of them"));
}

/** A rate of a priority that no rule has. */
function checkRates({ values, path }: Placed, { rules }: Outline): Finding[] {
  if (values["type"] !== "priority_based" || values["rules"] !== undefined) return [];
  const priorities = rules.filter(({ stops }) => stops).map(({ priority }) => priority);
  const has = {
    high: priorities.some((one) => one >= PRIORITIES.high),
    low: priorities.some((one) => one <= PRIORITIES.low),
  };
  return RATES.flatMap(({ long, short, isFor }) => {
    if (isFor === "normal" || has[isFor]) return [];
    const name = [long, short].find((one) => values[one] !== undefined);
    if (name === undefined) return [];
    const message = `has no effect: no rule has the priority ${isFor}`;
    return [atKey(caution([...path, name], message, `give a rule, or one of routing_rules, priority: ${isFor}`))];
  });
}

/** What a strategy speaks of. */
export function signalsOf({ values }: Placed): string[] {
  const { signals } = values;
  return signals === undefined ? ["traces"] : listOf(signals).flatMap((signal) => textOf(signal) ?? []);
}

interface PlacedRule extends Placed {
  readonly signals: readonly string[];
}

function rulesOf(strategies: readonly Placed[]): PlacedRule[] {
  return strategies.flatMap((strategy) => {
    const { values, path } = strategy;
    if (values["type"] !== "priority_based") return [];
    const signals = signalsOf(strategy);
    return entriesOf(values["rules"], [...path, "rules"]).map((rule) => ({ ...rule, signals }));
  });
}

/** Rules that take what no other does. */
function defaultsOf(strategies: readonly Placed[]): PlacedRule[] {
  return rulesOf(strategies).filter(
    ({ values }) => values["services"] === undefined && values["conditions"] === undefined,
  );
}

function checkDefaults(strategies: readonly Placed[]): Finding[] {
  const first = new Map<string, Path>();
  return defaultsOf(strategies).flatMap(({ signals, path }) => {
    const signal = signals.find((one) => first.has(one));
    for (const one of signals) if (!first.has(one)) first.set(one, path);
    if (signal === undefined) return [];
    const message = `is a second rule without services and conditions: ${formatPath(first.get(signal) ?? [])} takes the rest`;
    return [fault(path, message, "add services or conditions, or take it out")];
  });
}

/** Rules about services behind one that takes all of them; some items have none. */
function checkBehindAll(strategies: readonly Placed[]): Finding[] {
  const takenBy = new Map<string, Path>();
  return rulesOf(strategies).flatMap(({ values, path, signals }) => {
    const [first] = signals;
    const before = first === undefined ? undefined : takenBy.get(first);
    const isTaken =
      before !== undefined && values["services"] !== undefined && signals.every((signal) => takenBy.has(signal));
    const takesAll = values["conditions"] === undefined && listOf(values["services"]).includes("*");
    if (takesAll) for (const signal of signals) if (!takenBy.has(signal)) takenBy.set(signal, path);
    if (!isTaken) return [];
    const message = `has no effect: ${formatPath(before)} takes all services before it`;
    return [caution(path, message, 'move that one behind it, or take its services: ["*"] out')];
  });
}

/** Of several fixed rates the lowest counts. */
function checkFixed(strategies: readonly Placed[]): Finding[] {
  const fixed = strategies.flatMap((strategy) => {
    const { values, path } = strategy;
    const rate = values["rate"];
    return values["type"] === "fixed" && typeof rate === "number" ? [{ rate, path, signals: signalsOf(strategy) }] : [];
  });
  return fixed.flatMap(({ rate, path, signals }, i) => {
    const at = [...path, "rate"];
    if (rate === 1) return [atKey(caution(at, "has no effect: it lowers nothing", "lower it, or take it out"))];
    const lower = fixed.find(
      (one, j) =>
        (one.rate < rate || (one.rate === rate && j < i)) && signals.every((signal) => one.signals.includes(signal)),
    );
    if (lower === undefined) return [];
    const message = `has no effect: ${formatPath(lower.path)} keeps ${lower.rate === rate ? "no more" : "less"}`;
    return [atKey(caution(at, message, "take one of them out"))];
  });
}

function checkSamplingRate({ root }: Outline, strategies: readonly Placed[]): Finding[] {
  if (valueAt(root, "global", "sampling_rate") === undefined) return [];
  const normal = strategies.find(
    ({ values }) => values["type"] === "priority_based" && (values["normal_rate"] ?? values["normal"]) !== undefined,
  );
  const decides = defaultsOf(strategies).find(({ signals }) => signals.includes("traces"))?.path ?? normal?.path;
  if (decides === undefined) return [];
  const message = `has no effect: ${formatPath(decides)} says what is kept of what no other rule takes`;
  return [atKey(caution(["global", "sampling_rate"], message, "take one of them out"))];
}

/** A rate below what a strategy lowers to: the strategy never binds there. */
function checkCeilings({ root }: Outline, strategies: readonly Placed[]): Finding[] {
  const floors = strategies.flatMap((strategy) => {
    const min = strategy.values["min_rate"];
    return typeof min === "number" ? [{ min, path: strategy.path, signals: signalsOf(strategy) }] : [];
  });
  return ceilingsOf(root, strategies).flatMap(({ rate, path, signals }) => {
    const floor = floors.find((one) => rate < one.min && one.signals.some((signal) => signals.includes(signal)));
    if (floor === undefined) return [];
    const message = `is below min_rate ${floor.min} of ${formatPath(floor.path)}, which then has no effect on it`;
    return [caution(path, message, "lower that min_rate, or raise this")];
  });
}

interface WrittenRate {
  readonly rate: number;
  readonly path: Path;
  readonly signals: readonly string[];
}

/** All rates that are ceilings of what is not protected. */
export function ceilingsOf(root: Values, strategies: readonly Placed[]): WrittenRate[] {
  const found: WrittenRate[] = [];
  const add = (rate: unknown, path: Path, signals: readonly string[]): void => {
    if (typeof rate === "number") found.push({ rate, path, signals });
  };
  add(valueAt(root, "global", "sampling_rate"), ["global", "sampling_rate"], ["traces", "logs"]);
  for (const [region, values] of Object.entries(valuesOf(root["regions"]) ?? {})) {
    add(valueAt(values, "sampling_rate"), ["regions", region, "sampling_rate"], ["traces", "logs"]);
  }
  for (const { values, path, signals } of rulesOf(strategies)) {
    if (values["priority"] !== "high") add(values["rate"], [...path, "rate"], signals);
  }
  for (const strategy of strategies) {
    const { values, path } = strategy;
    const names = values["type"] === "fixed" ? ["rate"] : ["normal_rate", "normal", "low_priority_rate", "low"];
    for (const name of names) add(values[name], [...path, name], signalsOf(strategy));
  }
  return found;
}

function checkLogs({ root }: Outline, strategies: readonly Placed[]): Finding[] {
  const path = ["global", "sampling", "logs"];
  if (valueAt(root, ...path) === undefined) return [];
  if (strategies.some((strategy) => signalsOf(strategy).includes("logs"))) return [];
  const message = "has no effect: no strategy speaks of logs";
  return [atKey(caution(path, message, "add signals: [traces, logs] to a strategy"))];
}

/** Times of it that come before one another. */
function checkFallback({ root }: Outline): Finding[] {
  const path = ["global", "sampling", "fallback"];
  const written = (key: string, otherwise: number): number | undefined => {
    const value = valueAt(root, ...path, key);
    if (value === undefined) return otherwise;
    return typeof value === "number" ? value : parseDuration(textOf(value) ?? "");
  };
  const unwritten = SamplingSchema.parse({}).fallback;
  const [after, staticAfter] = [written("after", unwritten.after), written("static_after", unwritten.static_after)];
  if (after === undefined || staticAfter === undefined || staticAfter > after) return [];
  const isWritten = valueAt(root, ...path, "after") !== undefined;
  const message = isWritten
    ? "has no effect: static_after is not longer"
    : `is not longer than after (${formatDuration(after)}), which then has no effect`;
  return [
    caution([...path, isWritten ? "after" : "static_after"], message, "make static_after longer, or after shorter"),
  ];
}
