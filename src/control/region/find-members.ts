import { compileGlob } from "../../config/glob.ts";
import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import { isDialable, listenerAddress } from "../fleet/listener-address.ts";
import type { CollectorReport, MemberSelection, MemberSet } from "../fleet/messages.ts";
import type { KnownCollector } from "./collector-table.ts";

/**
 * Those of a region who fit, by id. Of more than are used it is the first: for all who ask the same
 * ones, so that all agree whose a key is. Who is silent is used until it is gone. Those who say of
 * themselves that they are unhealthy have left.
 */
export function findMembers(known: Iterable<KnownCollector>, selection: MemberSelection): MemberSet {
  const fits = compileTags(selection.tags);
  const found: MemberSet["members"] = [];
  const left: string[] = [];
  for (const { report } of known) {
    const address = listenerAddress(report.addresses, selection.listener);
    if (address === undefined || !fits(report.tags) || !isDialable(address)) continue;
    if (report.health.state === "unhealthy") left.push(report.id);
    else found.push({ id: report.id, address, utilization: rounded(report.load.utilization) });
  }
  const members = found.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, FLEET_BOUNDS.found);
  return { members, total: found.length, is_learning: false, left: left.slice(0, FLEET_BOUNDS.found) };
}

/** Whether others would find somebody else by what a member says now. */
export function isFoundOtherwise(before: CollectorReport | undefined, now: CollectorReport): boolean {
  if (before === undefined || before.health.state !== now.health.state) return true;
  return !isSame(before.addresses, now.addresses) || !isSame(before.tags, now.tags);
}

type Texts = Readonly<Record<string, string>>;

function compileTags(tags: Texts): (its: Texts) => boolean {
  const globs = Object.entries(tags).map(([tag, glob]) => [tag, compileGlob(glob)] as const);
  return (its) => globs.every(([tag, isFit]) => Object.hasOwn(its, tag) && isFit(its[tag]!));
}

function isSame(a: Texts, b: Texts): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function rounded(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}
