import type { Condition } from "./condition-type.ts";
import { ALL_SIGNALS } from "./schema/signal.ts";

export type SignalName = (typeof ALL_SIGNALS)[number];

/** The signals that have what a condition asks for. */
export function signalsOf(condition: Condition): readonly SignalName[] {
  switch (condition.kind) {
    case "span_kind":
    case "span_status":
    case "span_name":
      return ["traces"];
    case "severity":
      return ["logs"];
    case "metric_name":
      return ["metrics"];
    case "sample_rate":
      return ["traces", "logs"];
    default:
      return ALL_SIGNALS;
  }
}
