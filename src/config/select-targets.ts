import { globMatches } from "./glob.ts";

export interface Selectable {
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface TargetSelector {
  readonly region?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** Whether the selector's region and all of its tags fit the target. */
export function isSelected(target: Selectable, selector: TargetSelector): boolean {
  if (selector.region !== undefined && !globMatches(selector.region, target.region)) return false;
  return Object.entries(selector.tags ?? {}).every(([tag, pattern]) => {
    const value = Object.hasOwn(target.tags, tag) ? target.tags[tag] : undefined;
    return value !== undefined && globMatches(pattern, value);
  });
}
