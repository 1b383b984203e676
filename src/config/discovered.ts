import type { Path } from "./finding.ts";
import { type DiscoveryDocument, discoveryFault } from "./schema/discovery.ts";
import type { TargetConfig } from "./schema/config.ts";
import type { FleetDocument } from "./schema/fleet.ts";
import type { PoolDocument } from "./schema/pool.ts";
import { textOf, type Values, valuesOf } from "./values.ts";

/** Where a document describes targets: in their section, and where a pool finds its own. */
export const TARGET_PLACES: readonly (readonly string[])[] = [
  ["targets", "*"],
  ["pools", "*", "targets"],
  ["rules", "*", "targets"],
  ["default_pool", "targets"],
];

/** A set of targets that is found by a name, as it is written; undefined for any other set. */
export function discoveryIn(set: unknown): Values | undefined {
  const values = valuesOf(set);
  return values?.["dns"] === undefined ? undefined : values;
}

/** Undefined where that cannot be read. */
export function writtenTarget(values: Values): { readonly id: string; readonly endpoint: string } | undefined {
  const dns = textOf(values["dns"]);
  if (dns === undefined || discoveryFault(dns) !== undefined) return undefined;
  const id = textOf(values["id"]);
  return { id: id ?? idOf(dns), endpoint: endpointOf(dns, values["tls"] !== undefined) };
}

/** A name has no case: however it is written, it is one target. */
function idOf(dns: string): string {
  return `dns:${dns.toLowerCase()}`;
}

function endpointOf(dns: string, isSecure: boolean): string {
  return new URL(`${isSecure ? "https" : "http"}://${dns}`).href.replace(/\/+$/u, "");
}

export function isDiscovery(set: PoolDocument["targets"]): set is DiscoveryDocument {
  return "dns" in set;
}

export function discoveredId({ id, dns }: DiscoveryDocument): string {
  return id ?? idOf(dns);
}

/** The target that a name stands for: all of its addresses, and never by a proxy. */
function targetOf(discovery: DiscoveryDocument): TargetConfig {
  const { dns, id: _, ...settings } = discovery;
  const endpoint = endpointOf(dns, settings.tls !== undefined);
  return { ...settings, id: discoveredId(discovery), endpoint, resolve: "all", proxy: "none", weight: 1, tags: {} };
}

/** Kept beside targets, which do not show it. */
const places = new WeakMap<object, Path>();

/** Where the document has the target that its pool finds; undefined for those of `targets`. */
export function placeOf(target: object): Path | undefined {
  return places.get(target);
}

/** The targets that pools find by names; what several pools find is one. */
export function discoveredTargets({ pools, rules, default_pool: inPlace }: FleetDocument): readonly TargetConfig[] {
  const found = new Map<string, TargetConfig>();
  const add = (set: PoolDocument["targets"] | undefined, path: Path): void => {
    if (set === undefined || !isDiscovery(set) || found.has(discoveredId(set))) return;
    const target = targetOf(set);
    places.set(target, [...path, "targets"]);
    found.set(target.id, target);
  };
  for (const [name, { targets }] of Object.entries(pools)) add(targets, ["pools", name]);
  for (const [i, { targets }] of rules.entries()) add(targets, ["rules", i]);
  if (typeof inPlace === "object") add(inPlace.targets, ["default_pool"]);
  return [...found.values()];
}
