import { type Hide, HIDE_NOTHING } from "../core/hide.ts";
import { Secret } from "../core/secret.ts";
import { coverSecrets, literal, type SecretSource } from "../core/secret-source.ts";
import { parseDuration, parseSize } from "../core/units.ts";
import { placeOf, TARGET_PLACES } from "./discovered.ts";
import { formatPath, isWithin, type Path } from "./finding.ts";
import type { Config } from "./schema/config.ts";

/**
 * A text of a config of which something came from elsewhere: from the environment, or from a file.
 * It is never shown.
 */
export interface Taint {
  /** Where it stands in the document. */
  readonly path: Path;
  /** As the document has it, with its references: what is shown in its place. */
  readonly written: string;
  /** With what the references stand for. */
  readonly value: Secret;
  /**
   * What was put in, each with its reference. Not of certificates and keys, which are shown nowhere
   * as texts.
   */
  readonly parts: readonly { readonly written: string; readonly value: Secret }[];
  /** Where it is read from again, in this process or another. */
  readonly source: SecretSource;
}

/**
 * What came from elsewhere is kept beside a config and not in it, so that whoever prints a config
 * does not print it.
 */
const beside = new WeakMap<object, readonly Taint[]>();

/** Told once by whoever made the config. */
export function rememberTaints(config: object, taints: readonly Taint[]): void {
  for (const { source } of taints) coverSecrets(source);
  if (taints.length > 0) beside.set(config, taints);
}

/**
 * What of a config came from elsewhere; nothing is known of configs that were not read from a
 * document.
 */
export function taintsOf(config: object): readonly Taint[] {
  return beside.get(config) ?? [];
}

/**
 * Where the texts of a config come from, by their place in the document: those that stand in it are
 * their own source.
 */
export function sourcesOf(config: object): (path: Path, text: string) => SecretSource {
  const known = new Map(taintsOf(config).map(({ path, source }) => [formatPath(path), source]));
  return (path, text) => known.get(formatPath(path)) ?? literal(text);
}

/**
 * Where names stand that are shown everywhere: in metrics, in the log, in every answer. What a file
 * puts here it wants to be shown; the API cannot put a reference here.
 */
const NAME_PATHS: readonly (readonly string[])[] = [
  ["node", "id"],
  ["node", "region"],
  ["node", "tags", "*"],
  ["node", "data_dir"],
  ["node", "listen", "*", "address"],
  ["node", "listen", "*", "region"],
  ...TARGET_PLACES.flatMap((target) => ["id", "region", "dns"].map((key) => [...target, key])),
  ...TARGET_PLACES.flatMap((target) => [
    [...target, "collectors", "region"],
    [...target, "collectors", "tags", "*"],
  ]),
  ["rules", "*", "id"],
];

/** Whether a name stands at this place that is shown everywhere. */
export function isNamePath(path: Path): boolean {
  return NAME_PATHS.some(
    (pattern) => pattern.length === path.length && pattern.every((part, i) => part === "*" || part === path[i]),
  );
}

/**
 * For texts that are made while a config runs: puts references in the place of what they stand for.
 * Where the running node shows a value by itself (a name, an address to listen on), it stays. Short
 * values are only found where they stand alone.
 */
export function hideValuesOf(config: Config): Hide {
  const taints = taintsOf(config);
  if (taints.length === 0) return HIDE_NOTHING;
  const names = namesIn(config, taints);
  const pairs = pairsOf(taints.filter(({ path }) => !isNamePath(path))).filter(([value]) => !names.has(value));
  if (pairs.length === 0) return HIDE_NOTHING;
  const longest = pairs.toSorted(([a], [b]) => b.length - a.length).map(([value, written]) => replacer(value, written));
  return (text) => (names.has(text) ? text : longest.reduce((left, replace) => replace(left), text));
}

/** Values of this length are found inside of texts. */
const LONG = 6;
/** Shorter ones are found in quotes only. */
const SHORT = 3;
/** What stands everywhere and tells nothing. */
const COMMON = ["localhost", "127.0.0.1", "0.0.0.0", "::1", "true", "false", "default"];

function pairsOf(taints: readonly Taint[]): [string, string][] {
  const pairs = new Map<string, string>();
  for (const { written, value, parts } of taints) {
    if (parts.length === 0) continue; // certificates and keys: they are in no text
    for (const text of variantsOf(value.reveal())) if (!written.includes(text)) pairs.set(text, written);
    for (const part of parts) for (const text of variantsOf(part.value.reveal())) pairs.set(text, part.written);
  }
  return [...pairs].filter(([text]) => text !== "");
}

/**
 * As it is, as host names are written, as in quotes, and the parts of a URL as they are told of
 * connections.
 */
function variantsOf(text: string): string[] {
  const all = [text, text.toLowerCase(), JSON.stringify(text).slice(1, -1)];
  if (!URL.canParse(text)) return all;
  const { href, origin, host, hostname, pathname } = new URL(text);
  return [...all, href, href.replace(/\/+$/u, ""), origin, host, hostname, ...(pathname.length > 1 ? [pathname] : [])];
}

function replacer(value: string, written: string): (text: string) => string {
  if (value.length >= LONG) return (text) => text.replaceAll(value, () => written);
  const escaped = RegExp.escape(value);
  const around = value.length >= SHORT ? `(?<![A-Za-z0-9])${escaped}(?![A-Za-z0-9])` : `(?<=["'/])${escaped}(?=["'/])`;
  const pattern = new RegExp(around, "gu");
  return (text) => text.replace(pattern, () => written);
}

function namesIn({ node, targets, rules, pools }: Config, taints: readonly Taint[]): Set<string> {
  const named = taints.filter(({ path }) => isNamePath(path));
  return new Set([
    ...COMMON,
    ...(node.id === undefined ? [] : [node.id]),
    node.region,
    ...targets.flatMap(({ id, region }) => [id, region]),
    ...rules.map(({ id }) => id),
    ...Object.keys(pools),
    ...named.flatMap(({ value, parts }) => [value.reveal(), ...parts.map((part) => part.value.reveal())]),
  ]);
}

/**
 * A copy of a config for people to see: what came from elsewhere is there as the document has it,
 * secrets are redacted.
 */
export function showConfig(config: Config): unknown {
  const taints = taintsOf(config).filter(({ path }) => !isNamePath(path));
  const copy = copyOf(config);
  const marked = new Set<string>();
  for (const taint of taints) {
    for (const path of placesOf(taint.path, config)) cover(copy, path, taint, marked);
  }
  return copy;
}

/** Secrets stay what they are: they print as they should. */
function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, copyOf(entry)]));
}

/**
 * Where a place of a document is in what normalise() makes of it: pools in place have names,
 * options of plugins are below a key, and what pools find by names is among the targets.
 */
function placesOf(path: Path, { rules, pools, targets }: Config): Path[] {
  const [section, at, ...rest] = path;
  const places: Path[] = [path];
  if (section === "rules" && typeof at === "number") places.push(["pools", `rule:${rules[at]?.id ?? ""}`, ...rest]);
  if (section === "default_pool") places.push(["pools", "default", ...path.slice(1)]);
  if (section === "global" && at === "routing_rules") {
    for (const name of Object.keys(pools)) if (name.startsWith("rule:global:")) places.push(["pools", name]);
    places.push(["rules"]);
  }
  for (const [i, target] of targets.entries()) {
    const found = placeOf(target);
    if (found !== undefined && isWithin(path, found)) places.push(["targets", i, ...path.slice(found.length)]);
  }
  return places.flatMap((place) => [place, ...withOptions(place)]);
}

function withOptions(path: Path): Path[] {
  const at = path.indexOf("strategy");
  return at === -1 ? [] : [[...path.slice(0, at + 1), "options", ...path.slice(at + 1)]];
}

/**
 * At the place itself, whatever stands there; where the config has another shape, whatever is equal
 * in what is there of it.
 */
function cover(root: unknown, path: Path, taint: Taint, marked: Set<string>): void {
  let holder = root;
  for (const [i, part] of path.entries()) {
    if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, part)) break;
    const next: unknown = Reflect.get(holder, part);
    if (i === path.length - 1) {
      if (typeof next !== "object" || next === null) Reflect.set(holder, part, taint.written);
      else coverEqual(next, taint);
      return;
    }
    if (typeof next !== "object" || next === null || next instanceof Secret) return;
    holder = next;
  }
  const key = JSON.stringify([path, taint.written]);
  if (marked.has(key)) return;
  marked.add(key);
  coverEqual(holder, taint);
}

function coverEqual(value: unknown, taint: Taint): void {
  if (typeof value !== "object" || value === null || value instanceof Secret) return;
  const text = taint.value.reveal();
  const equal = new Set<unknown>([text, Number(text), parseDuration(text), parseSize(text)]);
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry === "object") coverEqual(entry, taint);
    else if (entry !== undefined && equal.has(entry)) Reflect.set(value, key, taint.written);
  }
}
