import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import type { CollectorReport, MemberSelection, MemberSet } from "../fleet/messages.ts";
import type { KnownCollector } from "./collector-table.ts";
import { SoughtMembers } from "./sought-members.ts";

/** Those of a region who fit, as they are now. */
export function findMembers(known: Iterable<KnownCollector>, selection: MemberSelection): MemberSet {
  const sought = new SoughtMembers(selection);
  const newest = new Map<string, CollectorReport>();
  for (const { report } of known) {
    newest.set(report.id, report);
    sought.hear(report, 0);
  }
  const { left, ...found } = sought.set((id) => newest.get(id), 0, true);
  return { ...found, is_learning: false, left: left.slice(0, FLEET_BOUNDS.found) };
}

/** Whether others would find somebody else by what a member says now. */
export function isFoundOtherwise(before: CollectorReport | undefined, now: CollectorReport): boolean {
  if (before === undefined || before.health.state !== now.health.state || before.host !== now.host) return true;
  return !isSame(before.addresses, now.addresses) || !isSame(before.tags, now.tags);
}

type Texts = Readonly<Record<string, string>>;

function isSame(a: Texts, b: Texts): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
