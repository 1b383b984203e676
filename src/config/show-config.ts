import { parseDuration, parseSize } from "../core/units.ts";
import { Secret } from "../core/secret.ts";
import type { Path } from "./finding.ts";
import type { Config } from "./schema/config.ts";
import { isNamePath, type Taint, taintsOf } from "./taint.ts";

/** A copy of a config for people to see: what came from elsewhere is there as the document has it, secrets are redacted. */
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

/** Where a place of a document is in what normalise() makes of it: pools in place have names, options of plugins are below a key. */
function placesOf(path: Path, { rules, pools }: Config): Path[] {
  const [section, at, ...rest] = path;
  const places: Path[] = [path];
  if (section === "rules" && typeof at === "number") places.push(["pools", `rule:${rules[at]?.id ?? ""}`, ...rest]);
  if (section === "default_pool") places.push(["pools", "default", ...path.slice(1)]);
  if (section === "global" && at === "routing_rules") {
    for (const name of Object.keys(pools)) if (name.startsWith("rule:global:")) places.push(["pools", name]);
    places.push(["rules"]);
  }
  return places.flatMap((place) => [place, ...withOptions(place)]);
}

function withOptions(path: Path): Path[] {
  const at = path.indexOf("strategy");
  return at === -1 ? [] : [[...path.slice(0, at + 1), "options", ...path.slice(at + 1)]];
}

/** At the place itself, whatever stands there; where the config has another shape, whatever is equal in what is there of it. */
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
