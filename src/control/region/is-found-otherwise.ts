import type { CollectorReport } from "../fleet/messages.ts";

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
