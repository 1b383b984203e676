import type { SpanQuestion } from "../otlp/span-question.ts";
import { leavesOf } from "./residual.ts";
import type { Cond } from "./route-plan.ts";

/**
 * What a rule asks of spans once all that it asks of their resource holds, where that is no more
 * than a question of one whole number.
 */
export function questionOf(cond: Cond): SpanQuestion | undefined {
  if (cond.kind === "item") return cond.leaf.question;
  if (cond.kind !== "all") return undefined;
  const asking = cond.of.filter((part) => leavesOf(part).some(({ kind }) => kind !== "resource"));
  const [only] = asking;
  return only !== undefined && asking.length === 1 ? questionOf(only) : undefined;
}
