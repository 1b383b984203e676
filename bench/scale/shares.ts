import type { RegionShare } from "./messages.ts";

/** `region-07`, in the order of their numbers. */
export function regionNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `region-${String(i).padStart(2, "0")}`);
}

/** Some regions for each of so many processes, as evenly as it goes; none gets nothing. */
export function divide<T>(all: readonly T[], processes: number): T[][] {
  const parts = Math.min(processes, all.length);
  return Array.from({ length: parts }, (_, part) => all.filter((_each, i) => i % parts === part));
}

/**
 * Collectors of each region for each of so many processes: all regions have the same number, but
 * for one, and all processes some of each.
 */
export function shareOut(collectors: number, regions: readonly string[], processes: number): RegionShare[][] {
  return Array.from({ length: processes }, (_, process) =>
    regions.flatMap((region, at) => {
      const ofRegion = partOf(collectors, regions.length, at);
      const from = startOf(ofRegion, processes, process);
      const count = partOf(ofRegion, processes, process);
      return count === 0 ? [] : [{ region, from, count }];
    }),
  );
}

/** The nearest rank of some numbers; 0 without any. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function partOf(whole: number, parts: number, part: number): number {
  return startOf(whole, parts, part + 1) - startOf(whole, parts, part);
}

function startOf(whole: number, parts: number, part: number): number {
  return Math.floor((whole * part) / parts);
}
