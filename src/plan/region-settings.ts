import type { FleetConfig, PoolConfig } from "../config/schema/config.ts";

type OwnRegion = FleetConfig["regions"][string];

/** Where the settings come from that a node of a region works with. */
type RegionSettingsFrom = "region" | "defaults";

/** What the config says of a region; undefined: nothing, and the defaults hold. */
export function regionOf({ regions }: Pick<FleetConfig, "regions">, region: string): OwnRegion | undefined {
  return Object.hasOwn(regions, region) ? regions[region] : undefined;
}

export function settingsFrom(fleet: Pick<FleetConfig, "regions">, region: string): RegionSettingsFrom {
  return regionOf(fleet, region) === undefined ? "defaults" : "region";
}

/** A pool as it is on nodes of a region: what the region says wins. */
export function poolInRegion(pool: PoolConfig, region: OwnRegion | undefined): PoolConfig {
  if (region?.batch === undefined && region?.retry === undefined) return pool;
  return { ...pool, batch: { ...pool.batch, ...said(region.batch) }, retry: retryIn(pool.retry, region.retry) };
}

/** Of the two waits, the one that the region says nothing of yields to the other. */
function retryIn(retry: PoolConfig["retry"], own: OwnRegion["retry"]): PoolConfig["retry"] {
  const merged = { ...retry, ...said(own) };
  if (merged.initial <= merged.max) return merged;
  return own?.max === undefined ? { ...merged, max: merged.initial } : { ...merged, initial: merged.max };
}

/** Without what has no value, which would take the place of what has one. */
function said<Values extends object>(values: Values | undefined): { [Key in keyof Values]?: NonNullable<Values[Key]> } {
  const entries = Object.entries(values ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Values]?: NonNullable<Values[Key]> }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- its own keys
}
