import type { FleetConfig } from "../../config/schema/config.ts";
import { samplingClasses } from "../../plan/sampling-classes.ts";
import type { SamplingClass, ShareReason } from "../../plan/sampling-plan.ts";
import type { ClassRate } from "../../plan/sampling/class-rate.ts";
import type { DecidedRate } from "../../plan/sampling/node-sampling.ts";

/**
 * As metrics, the ledger and people call what lowers a class most. `from`: where its ceiling is
 * from.
 */
export function shareReason(
  { reason, by }: Pick<DecidedRate, "reason" | "by">,
  from: SamplingClass["from"],
): ShareReason {
  switch (reason) {
    case "protected":
    case "class":
      return from;
    case "budget":
    case "budget_minimum":
    case "budget_maximum":
      return by?.startsWith("cost_based") === true ? "cost_based" : "adaptive";
    case "fixed":
    case "region":
    case "fallback":
      return reason;
  }
}

/** The same of rates that are decided, or tried, by a config. */
export function shareReasonsOf(config: FleetConfig): (rate: Pick<ClassRate, "class" | "reason" | "by">) => ShareReason {
  const froms = new Map(samplingClasses(config).classes.map(({ name, from }) => [name, from]));
  return (rate) => shareReason(rate, froms.get(rate.class) ?? "priority_based");
}
