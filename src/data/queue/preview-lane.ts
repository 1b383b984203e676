import type { Signal } from "../../otlp/signal.ts";
import type { Chooser } from "../balance/chooser.ts";
import type { LanePreview } from "./lane-port.ts";

/** For people: what the next pick of a lane would be, and what it would see. Without a trace. */
export function previewLane(chooser: Chooser, nowMs: number, signal: Signal): Pick<LanePreview, "targets" | "pick"> {
  const pick = chooser.preview(nowMs, signal);
  const { weight, usable, eligible } = chooser.view(nowMs, signal);
  const targets = chooser.targets.map(({ plan: { id, address } }, i) => {
    return { id, address, weight: weight[i]!, usable: usable[i] === 1, eligible: eligible[i] === 1 };
  });
  return { targets, pick };
}
