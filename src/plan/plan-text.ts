import type { PlanData } from "./plan-data.ts";

/** The text of a plan, for another process or a disk: JSON. It may hold secrets. */
export function planText(plan: PlanData): string {
  return JSON.stringify(plan);
}
