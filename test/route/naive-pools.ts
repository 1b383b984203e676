/* oxlint-disable typescript/no-unsafe-type-assertion -- plain decodes are walked by names that the schema guarantees */
import type { Condition } from "../../src/config/condition-type.ts";
import type { HashKey } from "../../src/plan/division.ts";
import type { RuleSpec } from "../../src/plan/compile-rule.ts";
import type { Seen } from "../../src/otlp/any-value.ts";
import { attributesOf, dataPointsOf } from "../support/oracle/walk.ts";
import { holds, type NaiveItem } from "./naive.ts";

/** How a pool divides, as people mean it. */
export type NaiveDivision =
  | { readonly kind: "none" }
  | { readonly kind: "cases"; readonly cases: readonly (readonly Condition[])[] }
  | { readonly kind: "regions"; readonly regions: readonly string[] }
  | { readonly kind: "key"; readonly key: HashKey };

export interface NaivePool {
  readonly division: NaiveDivision;
  readonly fallback: string | undefined;
  readonly whenDown: "next_rule" | "hold" | "refuse";
  /**
   * Channels without a usable target; the same for all of a pool that is not divided into cases.
   */
  readonly down: readonly number[];
  readonly full: boolean;
}

/** A pool's name and a channel of it. */
export type Place = string;

/** Where one item goes: its copies, and itself; undefined when no rule takes it. */
export function placeNaively(
  rules: readonly RuleSpec[],
  pools: Readonly<Record<string, NaivePool>>,
  ownerOf: (hash: number) => number,
  item: NaiveItem,
): { readonly copies: Place[]; readonly place: Place | undefined } {
  const copies: Place[] = [];
  let held: Place | undefined;
  const matching = rules
    .toSorted((a, b) => b.priority - a.priority)
    .filter((rule) => rule.signals.includes(item.signal) && rule.conditions.every((one) => holds(one, item)));
  for (const rule of matching) {
    const { open, place } = findPlace(rule.pool, pools, ownerOf, item);
    if (rule.mode === "copy") copies.push(place);
    else if (open) return { copies, place };
    else held ??= place;
  }
  return { copies, place: held };
}

function findPlace(
  name: string,
  pools: Readonly<Record<string, NaivePool>>,
  ownerOf: (hash: number) => number,
  item: NaiveItem,
): { readonly open: boolean; readonly place: Place } {
  const chain: { pool: NaivePool; place: Place; usable: boolean }[] = [];
  for (let at: string | undefined = name; at !== undefined; at = pools[at]!.fallback) {
    const pool: NaivePool = pools[at]!;
    const channel = channelOf(pool.division, item, ownerOf);
    const usable = !pool.down.includes(pool.division.kind === "cases" ? channel : 0);
    chain.push({ pool, place: `${at}/${channel}`, usable });
  }
  const own = chain[0]!;
  const taker = chain.find(({ pool, usable }) => usable && (!pool.full || chain.length === 1));
  if (taker !== undefined) return { open: true, place: taker.place };
  return { open: chain.some(({ usable }) => usable) || own.pool.whenDown !== "next_rule", place: own.place };
}

export function channelOf(division: NaiveDivision, item: NaiveItem, ownerOf: (hash: number) => number): number {
  switch (division.kind) {
    case "none":
      return 0;
    case "cases": {
      const found = division.cases.findIndex((conditions) => conditions.every((one) => holds(one, item)));
      return found < 0 ? division.cases.length : found;
    }
    case "regions": {
      const resource = attributesOf(item.resource);
      const own = [resource.get("region"), resource.get("cloud.region")].find((value) => typeof value === "string");
      const found = division.regions.indexOf(own ?? item.listenerRegion);
      return found < 0 ? division.regions.length : found;
    }
    case "key":
      return ownerOf(hashNaively(keyOf(division.key, item)));
  }
}

function keyOf(key: HashKey, item: NaiveItem): Uint8Array {
  const resource = attributesOf(item.resource);
  switch (key.from) {
    case "trace_id":
      if (item.signal === "metrics") return Buffer.from(String(item.item["name"] ?? ""));
      return (item.item["traceId"] ?? new Uint8Array(0)) as Uint8Array;
    case "service_name":
      return textOf(resource.get("service.name"));
    case "resource":
      return textOf(resource.get(key.key));
    case "attribute": {
      const holders = item.signal === "metrics" ? dataPointsOf(item.item) : [item.item];
      return textOf(holders.map((one) => attributesOf(one).get(key.key)).find((value) => value !== undefined));
    }
  }
}

function textOf(seen: Seen | undefined): Uint8Array {
  return Buffer.from(seen === undefined ? "" : spell(seen));
}

function spell(seen: Seen): string {
  if (Array.isArray(seen)) return seen.map(spell).join(",");
  return typeof seen === "symbol" ? "" : String(seen);
}

/** FNV-1a and the finaliser of MurmurHash3 by their definitions, on big integers. */
export function hashNaively(bytes: Uint8Array): number {
  const mask = 0xffffffffn;
  let hash = 0x811c9dc5n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & mask;
  hash = ((hash ^ (hash >> 16n)) * 0x85ebca6bn) & mask;
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2ae35n) & mask;
  return Number(hash ^ (hash >> 16n));
}
