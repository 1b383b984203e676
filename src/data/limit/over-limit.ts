import type { LimitKey } from "../../plan/limits/limits-plan.ts";

/** For senders whose request is over the limit of everything together. */
export function overTotal(perSecond: number): string {
  return `over the limit of ${perSecond} items a second (global.rate_limiting.max_qps)`;
}

/** For senders whose request has a key that is over its limit. */
export function overKey(key: LimitKey, name: string, perSecond: number): string {
  const of = `${keyKind(key)} ${JSON.stringify(name)}`;
  return `over the limit of ${perSecond} items a second of ${of} (global.rate_limiting)`;
}

/** What keys are, for people: `service`, or the name of a header or an attribute. */
export function keyKind(key: LimitKey): string {
  return key.from === "service" ? "service" : key.from === "header" ? key.name : key.attribute;
}
