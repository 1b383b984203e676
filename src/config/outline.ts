import { discoveryIn, readSelection, writtenTarget } from "./discovered.ts";
import { CountedList, MANY_ITEMS, MappedList } from "../core/recent-list.ts";
import type { Path } from "./finding.ts";
import { entriesOf, isValues, listOf, textOf, type Values, valueAt, valuesOf } from "./values.ts";
import { ALL_SIGNALS, PRIORITIES } from "./schema/values.ts";

/**
 * What can be read of a document that may be wrong in places, so that a problem in one place hides
 * nothing elsewhere. What cannot be read is left out, and nothing is concluded from its absence.
 */
export interface Outline {
  readonly root: Values;
  /**
   * Undefined when the section, or an id in it, cannot be read: then no id can be called unknown.
   */
  readonly targetIds: ReadonlySet<string> | undefined;
  readonly targets: readonly OutlineTarget[];
  /** Those that pools find by a name: no selector selects them, and no other pool names them. */
  readonly discovered: readonly DiscoveredTarget[];
  /** Undefined when the section cannot be read. */
  readonly poolNames: ReadonlySet<string> | undefined;
  /** Under `pools`, in rules, and the default pool in place. */
  readonly pools: readonly OutlinePool[];
  readonly rules: readonly OutlineRule[];
  /**
   * Of the rules those that have more than plain ones: these name a pool, and have, besides, an
   * id, conditions, signals, a priority and a mode at most.
   */
  readonly oddRules: readonly OutlineRule[];
  /** The pools that plain rules name. */
  readonly plainPools: ReadonlySet<string>;
}

export interface OutlineTarget {
  readonly path: Path;
  readonly id: string | undefined;
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Values;
}

/** `values` are those of a target; `written` is what stands there. */
export interface DiscoveredTarget extends OutlineTarget {
  readonly written: Values;
}

export interface OutlinePool {
  readonly path: Path;
  /** Undefined for pools in place. */
  readonly name: string | undefined;
  readonly values: Values;
}

export interface OutlineRule {
  readonly path: Path;
  readonly id: string | undefined;
  readonly priority: number;
  readonly signals: readonly string[];
  readonly stops: boolean;
  /** Whether it is known to hold for everything. */
  readonly unconditional: boolean;
  readonly values: Values;
}

export function readOutline(document: unknown): Outline {
  const root = valuesOf(document) ?? {};
  const targets = entriesOf(root["targets"], ["targets"]).map(readTarget);
  const rules = readRules(root["rules"]);
  const plainPools = plainPoolsOf(rules);
  const oddRules: OutlineRule[] = plainPools.delete(undefined)
    ? rules.filter(({ plainPool }) => plainPool === undefined)
    : [];
  const pools = readPools(root, oddRules);
  const short = readShortRules(root);
  return {
    root,
    targetIds: isReadable(root["targets"]) && targets.every(({ id }) => id !== undefined) ? idsOf(targets) : undefined,
    targets,
    discovered: pools.flatMap(readDiscovered),
    poolNames: root["pools"] === undefined || valuesOf(root["pools"]) !== undefined ? namesOf(pools) : undefined,
    pools,
    rules: short.length === 0 ? rules : [...rules, ...short],
    oddRules: [...oddRules, ...short],
    plainPools: plainPools as ReadonlySet<string>, // oxlint-disable-line typescript/no-unsafe-type-assertion -- that of odd ones was taken out
  };
}

/** A pool, and those that take over from it, one after the other. */
export function chainOf(pool: OutlinePool, { pools }: Outline): OutlinePool[] {
  const chain = new Set<OutlinePool>();
  for (let at: OutlinePool | undefined = pool; at !== undefined && !chain.has(at); ) {
    chain.add(at);
    const fallback: string | undefined = textOf(at.values["fallback"]);
    at = fallback === undefined ? undefined : pools.find(({ name }) => name === fallback);
  }
  return [...chain];
}

function isReadable(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((item) => valuesOf(item) !== undefined));
}

function idsOf(targets: readonly OutlineTarget[]): Set<string> {
  return new Set(targets.flatMap(({ id }) => id ?? []));
}

function namesOf(pools: readonly OutlinePool[]): Set<string> {
  return new Set(pools.flatMap(({ name }) => name ?? []));
}

function readTarget({ values, path }: { values: Values; path: Path }): OutlineTarget {
  const { region = "default", tags = {} } = readSelection(values);
  return { path, id: textOf(values["id"]), region, tags, values };
}

function readDiscovered({ path, values }: OutlinePool): DiscoveredTarget[] {
  const written = discoveryIn(values["targets"]);
  if (written === undefined) return [];
  const made = { ...written, endpoint: writtenTarget(written)?.endpoint };
  const target = readTarget({ values: made, path: [...path, "targets"] });
  return [{ ...target, id: writtenTarget(written)?.id, written }];
}

function readPools(root: Values, rules: readonly OutlineRule[]): OutlinePool[] {
  const pools: OutlinePool[] = [];
  for (const [name, value] of Object.entries(valuesOf(root["pools"]) ?? {})) {
    pools.push({ path: ["pools", name], name, values: valuesOf(value) ?? {} });
  }
  for (const rule of rules) {
    if (rule.values["targets"] !== undefined) pools.push({ path: rule.path, name: undefined, values: rule.values });
  }
  const inPlace = valuesOf(root["default_pool"]);
  if (inPlace !== undefined) pools.push({ path: ["default_pool"], name: undefined, values: inPlace });
  return pools;
}

function readRules(rules: unknown): readonly WrittenRule[] {
  const list = listOf(rules);
  const held = list.length < MANY_ITEMS ? { rules: [] } : recent;
  const read = recentRules.of(list, (values) => (isValues(values) ? new WrittenRule(values, held) : undefined));
  held.rules = read;
  return read.includes(undefined) ? read.filter((rule) => rule !== undefined) : (read as readonly WrittenRule[]); // oxlint-disable-line typescript/no-unsafe-type-assertion -- all are there
}

const recentRules = new MappedList<unknown, WrittenRule | undefined>();
const recent: ReadRules = { rules: [] };

/** The list of which a rule is; of a long one, that which was read last. */
interface ReadRules {
  rules: readonly (WrittenRule | undefined)[];
}

/** The pools that plain rules name, and undefined when some are odd. */
function plainPoolsOf(rules: readonly WrittenRule[]): Set<string | undefined> {
  if (rules.length < MANY_ITEMS) return new Set(rules.map(({ plainPool }) => plainPool));
  return new Set(recentPools.of(rules).keys());
}

const recentPools = new CountedList(({ plainPool }: WrittenRule) => plainPool);

const PLAIN_KEYS: ReadonlySet<string> = new Set(["id", "conditions", "pool", "priority", "signals", "mode"]);

/** The pool of a rule that is plain. */
function plainPoolOf(values: Values): string | undefined {
  for (const key in values) if (!PLAIN_KEYS.has(key)) return undefined;
  return textOf(values["pool"]);
}

/**
 * One entry of the list; of ten thousand rules little is read. One that stays is the same object in
 * the next list, though it may stand elsewhere there.
 */
class WrittenRule implements OutlineRule {
  readonly values: Values;
  /** Undefined: it is not plain. */
  readonly plainPool: string | undefined;
  readonly priority: number;
  readonly #held: ReadRules;

  constructor(values: Values, held: ReadRules) {
    this.values = values;
    this.plainPool = plainPoolOf(values);
    this.priority = readPriority(values["priority"]);
    this.#held = held;
  }

  get path(): Path {
    return ["rules", this.#held.rules.indexOf(this)];
  }

  get id(): string | undefined {
    return textOf(this.values["id"]);
  }

  get signals(): readonly string[] {
    const { signals } = this.values;
    return signals === undefined ? ALL_SIGNALS : listOf(signals).flatMap((signal) => textOf(signal) ?? []);
  }

  get stops(): boolean {
    const { mode } = this.values;
    return mode === undefined || mode === "first";
  }

  get unconditional(): boolean {
    const { conditions } = this.values;
    return conditions === undefined || (Array.isArray(conditions) && conditions.length === 0);
  }
}

function readShortRules(root: Values): OutlineRule[] {
  const path = ["global", "routing_rules"];
  return entriesOf(valueAt(root, ...path), path).map(({ values, path: at }) => ({
    path: at,
    id: undefined,
    priority: readPriority(values["priority"]),
    signals: ALL_SIGNALS,
    stops: true,
    unconditional: false,
    values,
  }));
}

function readPriority(value: unknown): number {
  if (typeof value === "number") return value;
  return value === "high" || value === "low" ? PRIORITIES[value] : PRIORITIES.normal;
}
