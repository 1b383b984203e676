import { FLEET_BOUNDS } from "../../../src/control/fleet/bounds.ts";
import type { CollectorReport, MemberSelection, MemberSet } from "../../../src/control/fleet/messages.ts";
import type { KnownCollector } from "../../../src/control/region/collector-table.ts";
import { SoughtMembers } from "../../../src/control/region/sought-members.ts";

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
