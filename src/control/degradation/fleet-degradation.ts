/** One node, as the leader knows it. */
export interface DegradationNode {
  readonly id: string;
  readonly capacity: number;
  /** 0 to 1 and above. */
  readonly load: number;
}

export interface FleetLoad {
  /** Mean of the nodes', weighted by what they can carry. */
  readonly load: number;
  readonly worst: { readonly id: string; readonly load: number } | undefined;
}

export function fleetLoad(nodes: readonly DegradationNode[]): FleetLoad {
  const capacity = nodes.reduce((sum, one) => sum + one.capacity, 0);
  const load = nodes.reduce((sum, one) => sum + one.capacity * one.load, 0);
  const [worst] = nodes.toSorted((a, b) => b.load - a.load);
  return {
    load: capacity > 0 ? load / capacity : 0,
    worst: worst === undefined ? undefined : { id: worst.id, load: worst.load },
  };
}

/** `global.degradation`. */
export interface DegradationSettings {
  readonly threshold: number;
  readonly recoveryThreshold: number;
  readonly minDwellMs: number;
  readonly isPredictive: boolean;
}

/** Somebody's order, until its time is over. */
export interface ManualDegradation {
  readonly isDegraded: boolean;
  readonly untilMs: number;
  readonly note: string;
}

export interface FleetDegradation {
  readonly isDegraded: boolean;
  readonly reason: DegradationReason;
  readonly sinceMs: number;
  /** When it may be left at the earliest. */
  readonly untilMs: number | undefined;
  readonly dwellMs: number;
  readonly leftMs: number | undefined;
  readonly manual: ManualDegradation | undefined;
  /** Share of what came that was kept before it began; undefined: nobody has seen it. */
  readonly keptBefore?: number | undefined;
}

/** Why it is as it is. Kinds are a closed list. */
export type DegradationReason =
  | { readonly kind: "none" }
  | { readonly kind: "load"; readonly load: number; readonly node: string | undefined }
  | { readonly kind: "forecast"; readonly load: number; readonly node: string | undefined }
  | { readonly kind: "manual"; readonly note: string };

export interface DegradationReading extends FleetLoad {
  /**
   * What the load would be if nothing were given up; while nothing is, the load itself. See
   * `projectedLoad`.
   */
  readonly projected: number;
  /** The load that section 9's forecast expects; undefined: it does not know. */
  readonly forecast: number | undefined;
}

/** A dwell grows no further. */
const LONGEST_DWELL_MS = 600_000;
/** Comes it back within this time, the next dwell is twice as long. */
const AGAIN_MS = 600_000;

export function degradationFrom(nowMs: number, { minDwellMs }: DegradationSettings): FleetDegradation {
  const none = { untilMs: undefined, leftMs: undefined, manual: undefined };
  return { isDegraded: false, reason: { kind: "none" }, sinceMs: nowMs, dwellMs: minDwellMs, ...none };
}

/**
 * Entered above the threshold, and left when the load without it would be below the recovery
 * threshold: a load that is low because much is given up is no reason to give up less.
 */
export function stepDegradation(
  before: FleetDegradation,
  reading: DegradationReading,
  settings: DegradationSettings,
  nowMs: number,
): FleetDegradation {
  const { manual } = before;
  if (manual !== undefined && nowMs < manual.untilMs) return ordered(before, manual, nowMs);
  const free: FleetDegradation = manual === undefined ? before : { ...before, manual: undefined };
  if (!free.isDegraded) return entering(free, reading, settings, nowMs);
  // The load began nothing of what was only ordered: it goes on where the load would begin it.
  const wasOrdered = free.reason.kind === "manual";
  const isOver =
    nowMs >= (free.untilMs ?? nowMs) &&
    reading.projected < (wasOrdered ? settings.threshold : settings.recoveryThreshold) &&
    !isExpected(reading, settings);
  if (!isOver) return wasOrdered ? { ...free, reason: reasonOf(reading, settings), untilMs: undefined } : free;
  return { ...free, isDegraded: false, reason: { kind: "none" }, sinceMs: nowMs, untilMs: undefined, leftMs: nowMs };
}

/** From now on, whatever the load says; `undefined` ends it. */
export function orderDegradation(before: FleetDegradation, manual: ManualDegradation | undefined): FleetDegradation {
  const isEnded = manual === undefined && before.reason.kind === "manual";
  return { ...before, manual, ...(isEnded && { untilMs: undefined }) };
}

function ordered(before: FleetDegradation, manual: ManualDegradation, nowMs: number): FleetDegradation {
  const { isDegraded, note } = manual;
  const sinceMs = before.isDegraded === isDegraded ? before.sinceMs : nowMs;
  return { ...before, isDegraded, reason: { kind: "manual", note }, sinceMs, untilMs: manual.untilMs };
}

function entering(
  before: FleetDegradation,
  reading: DegradationReading,
  settings: DegradationSettings,
  nowMs: number,
): FleetDegradation {
  const { load } = reading;
  const { threshold, minDwellMs } = settings;
  const isAgain = before.leftMs !== undefined && nowMs - before.leftMs < AGAIN_MS;
  if (load <= threshold && !isExpected(reading, settings)) {
    const { reason } = before;
    return reason.kind === "none" ? before : { ...before, reason: { kind: "none" }, untilMs: undefined };
  }
  const dwellMs = isAgain ? Math.min(LONGEST_DWELL_MS, 2 * before.dwellMs) : minDwellMs;
  const reason = reasonOf({ ...reading, projected: load }, settings);
  return { ...before, isDegraded: true, reason, sinceMs: nowMs, untilMs: nowMs + dwellMs, dwellMs };
}

function reasonOf(
  { projected, worst, forecast }: DegradationReading,
  settings: DegradationSettings,
): DegradationReason {
  return projected > settings.threshold
    ? { kind: "load", load: projected, node: worst?.id }
    : { kind: "forecast", load: forecast ?? projected, node: worst?.id };
}

/** It may begin early for it, and is not left while it would begin again. */
function isExpected({ forecast }: DegradationReading, { threshold, isPredictive }: DegradationSettings): boolean {
  return isPredictive && forecast !== undefined && forecast > threshold;
}
