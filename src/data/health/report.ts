import type { Log } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Health } from "./health.ts";

interface Transition {
  readonly id: string;
  /** Which one of several. */
  readonly address: string | undefined;
  readonly before: Health;
  readonly health: Health;
  /** By the last active check. */
  readonly said: string | undefined;
}

/**
 * A target that goes in and out without end is logged once in this time, for each of its states.
 */
const LOG_MS = 1_000;

/** Counts a change of state, shows its reason, and tells operators. */
export function reportTransition(
  { id, address, before, health, said }: Transition,
  { metrics, log, isPart = false }: { readonly metrics: Metrics; readonly log?: Log; readonly isPart?: boolean },
): void {
  const { state, reason } = health;
  metrics.targetTransitions.with(id, before.state, state, reason).add(1);
  if (!isPart) showReason(metrics, id, reason, before.reason);
  const line = log?.limited(`target ${id} ${address ?? ""} ${state}`, LOG_MS);
  const fields = {
    target: id,
    ...(address !== undefined && { address }),
    from: before.state,
    to: state,
    reason,
    ...(reason === "check_failed" && { said }),
  };
  if (state === "ejected" || state === "down") line?.warn("target is out", fields);
  else if (state === "probing") line?.debug("target is tried", fields);
  else line?.info("target changed its state", fields);
}

/** The reason is a label, of which one value is there at a time. */
export function showReason(metrics: Metrics, id: string, reason: string, before: string | undefined): void {
  if (before !== undefined) metrics.targetReason.remove(id, before);
  metrics.targetReason.with(id, reason).read(one);
}

function one(): number {
  return 1;
}
