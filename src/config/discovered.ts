import type { Path } from "./finding.ts";
import { isSelected } from "./glob.ts";
import type { TargetConfig } from "./schema/config.ts";
import { type CollectorSelection, type DiscoveryDocument, discoveryFault } from "./schema/discovery.ts";
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

/** What targets are found by: the key that tells such a set from others. */
const DISCOVERY_KEYS = ["dns", "collectors"] as const;
export type DiscoveryKey = (typeof DISCOVERY_KEYS)[number];

/** A set of targets that is found, as it is written; undefined for any other set. */
export function discoveryIn(set: unknown): Values | undefined {
  const values = valuesOf(set);
  return values !== undefined && discoveryKeyOf(values) !== undefined ? values : undefined;
}

/** What it is found by. */
export function discoveryKeyOf(values: Values): DiscoveryKey | undefined {
  return DISCOVERY_KEYS.find((key) => values[key] !== undefined);
}

/** Undefined where that cannot be read. */
export function writtenTarget(values: Values): { readonly id: string; readonly endpoint: string } | undefined {
  const isSecure = values["tls"] !== undefined;
  const id = textOf(values["id"]);
  const collectors = valuesOf(values["collectors"]);
  if (collectors !== undefined) {
    return { id: id ?? idOfCollectors(readSelection(collectors)), endpoint: endpointOfCollectors(isSecure) };
  }
  const dns = textOf(values["dns"]);
  if (dns === undefined || discoveryFault(dns) !== undefined) return undefined;
  return { id: id ?? idOf(dns), endpoint: endpointOf(dns, isSecure) };
}

/** As far as it can be read. */
export function readSelection({ region, tags }: Values): CollectorSelection {
  const texts = Object.entries(valuesOf(tags) ?? {}).flatMap(([tag, glob]) => {
    return typeof glob === "string" ? [[tag, glob] as const] : [];
  });
  return { region: textOf(region), tags: Object.fromEntries(texts) };
}

/** A name has no case: however it is written, it is one target. */
function idOf(dns: string): string {
  return `dns:${dns.toLowerCase()}`;
}

/** Tags have no order. The node's own region is another one on other nodes: it has no name here. */
function idOfCollectors({ region = "own", tags = {} }: CollectorSelection): string {
  const sorted = Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `collectors:${[region, ...sorted.map(([tag, glob]) => `${tag}=${glob}`)].join(",")}`;
}

function endpointOf(dns: string, isSecure: boolean): string {
  return new URL(`${isSecure ? "https" : "http"}://${dns}`).href.replace(/\/+$/u, "");
}

/** It is never dialled, nor looked up (RFC 2606): each of the nodes is reached where it says. */
function endpointOfCollectors(isSecure: boolean): string {
  return `${isSecure ? "https" : "http"}://collectors.invalid`;
}

export function isDiscovery(set: PoolDocument["targets"]): set is DiscoveryDocument {
  return "dns" in set || "collectors" in set;
}

export function discoveredId(discovery: DiscoveryDocument): string {
  return discovery.id ?? ("dns" in discovery ? idOf(discovery.dns) : idOfCollectors(discovery.collectors));
}

/** The target that is found: all of its addresses, and never by a proxy. */
function targetOf(discovery: DiscoveryDocument): TargetConfig {
  const same = { id: discoveredId(discovery), resolve: "all", proxy: "none", weight: 1, tags: {} } as const;
  const isSecure = discovery.tls !== undefined;
  if ("dns" in discovery) {
    const { dns, id: _, ...settings } = discovery;
    return { ...settings, ...same, endpoint: endpointOf(dns, isSecure) };
  }
  const { collectors, id: _, ...settings } = discovery;
  return { ...settings, ...same, endpoint: endpointOfCollectors(isSecure), collectors };
}

/** Whether it selects a node of this region that has these tags; `own`: where whoever asks is. */
export function selectsNode(
  { region, tags }: CollectorSelection,
  node: { readonly region: string; readonly tags: Readonly<Record<string, string>> },
  own: string,
): boolean {
  return (region ?? own) === node.region && isSelected(node, { tags });
}

/** Kept beside targets, which do not show it. */
const places = new WeakMap<object, Path>();

/** Where the document has the target that its pool finds; undefined for those of `targets`. */
export function placeOf(target: object): Path | undefined {
  return places.get(target);
}

/** The targets that pools find; what several pools find is one. */
export function discoveredTargets({ pools, rules, default_pool: inPlace }: FleetDocument): readonly TargetConfig[] {
  const found = new Map<string, TargetConfig>();
  const add = (set: PoolDocument["targets"] | undefined, ...path: Path): void => {
    if (set === undefined || !isDiscovery(set) || found.has(discoveredId(set))) return;
    const target = targetOf(set);
    places.set(target, [...path, "targets"]);
    found.set(target.id, target);
  };
  for (const [name, { targets }] of Object.entries(pools)) add(targets, "pools", name);
  for (let i = 0; i < rules.length; i++) if (rules[i]!.targets !== undefined) add(rules[i]!.targets, "rules", i);
  if (typeof inPlace === "object") add(inPlace.targets, "default_pool");
  return [...found.values()];
}
