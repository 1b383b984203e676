import { thresholdOf } from "../../otlp/threshold.ts";

/** What `th` says in items that are kept with this probability. */
export function thresholdText(probability: number): string {
  return thresholdOf(probability).text;
}
