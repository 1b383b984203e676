import type { TargetHandle } from "../export/target-port.ts";

/** Where what came through some nodes would go back to. */
export interface Returning {
  /** The target, and the node of those that it stands for. */
  readonly target: string;
  readonly node: string;
}

/**
 * The first of these targets that stands for a node of this way, whether it would be sent there or
 * to another of them: all of them have one document.
 */
export function returningTo(path: readonly string[], targets: readonly TargetHandle[]): Returning | undefined {
  for (const { plan, parts } of targets) {
    if (plan.members === undefined) continue;
    const part = parts?.all.find(({ plan: { member } }) => member !== undefined && path.includes(member));
    if (part?.plan.member !== undefined) return { target: plan.id, node: part.plan.member };
  }
  return undefined;
}
