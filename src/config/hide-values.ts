import type { Hide } from "../core/hide.ts";
import { HIDE_NOTHING } from "../core/hide.ts";
import type { Config } from "./schema/config.ts";
import { isNamePath, type Taint, taintsOf } from "./taint.ts";

/**
 * For texts that are made while a config runs: puts references in the place of what they stand for. Where the running node
 * shows a value by itself (a name, an address to listen on), it stays. Short values are only found where they stand alone.
 */
export function hideValuesOf(config: Config): Hide {
  const taints = taintsOf(config);
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

/** As it is, as host names are written, as in quotes, and the parts of a URL as they are told of connections. */
function variantsOf(text: string): string[] {
  const all = [text, text.toLowerCase(), JSON.stringify(text).slice(1, -1)];
  if (!URL.canParse(text)) return all;
  const { href, origin, host, hostname, pathname } = new URL(text);
  return [...all, href, href.replace(/\/+$/u, ""), origin, host, hostname, ...(pathname.length > 1 ? [pathname] : [])];
}

function replacer(value: string, written: string): (text: string) => string {
  if (value.length >= LONG) return (text) => text.replaceAll(value, () => written);
  const literal = RegExp.escape(value);
  const around = value.length >= SHORT ? `(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])` : `(?<=["'/])${literal}(?=["'/])`;
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
