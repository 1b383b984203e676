import { z } from "zod";
import { checkShape } from "../../store/recipes/json-value.ts";
import type { DegradationReason, FleetDegradation } from "./fleet-degradation.ts";

/** The scope of directives about the fleet's degradation. */
export const DEGRADATION_SCOPE = "degradation";
/** A directive holds so long after its writing: longer than a change of the leader takes. */
export const DEGRADATION_VALID_MS = 300_000;

const wallMs = z.number().min(0);
const part = z.number().min(0);

const ReasonSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("none") }),
  z.object({ kind: z.literal("load"), load: part, node: z.string().max(256).optional() }),
  z.object({ kind: z.literal("forecast"), load: part, node: z.string().max(256).optional() }),
  z.object({ kind: z.literal("manual"), note: z.string().max(1_000) }),
]);

/**
 * Of scope `degradation`: what all nodes do, and all that the next leader goes on from. Fields are
 * only ever added. Times are of the leader's wall clock, for people; how long it holds, the
 * directive says.
 */
const DegradationDirectiveSchema = z.object({
  degraded: z.boolean(),
  /** Share that is kept at most of what is not protected, while it is degraded. */
  target_rate: z.number().min(0).max(1),
  reason: ReasonSchema,
  since_ms: wallMs,
  /** It is left then at the earliest. */
  until_ms: wallMs.optional(),
  dwell_ms: z.number().min(0),
  left_ms: wallMs.optional(),
  /** While it is degraded: share of what came that was kept before. */
  kept_before: z.number().min(0).max(1).optional(),
});
export type DegradationDirective = z.output<typeof DegradationDirectiveSchema>;

/** Undefined: what a directive says cannot be read. */
export function readDegradationDirective(body: string): DegradationDirective | undefined {
  try {
    const read = checkShape(JSON.parse(body), DegradationDirectiveSchema);
    return read.ok ? read.value : undefined;
  } catch {
    return undefined;
  }
}

/** The ceiling of what is not protected, while it is degraded. */
export function degradedRate(directive: DegradationDirective | undefined): number | undefined {
  return directive?.degraded === true ? directive.target_rate : undefined;
}

/** Two clocks of one machine at the same moment. */
interface BothClocks {
  readonly nowMs: number;
  readonly wallMs: number;
}

export function toDirective(state: FleetDegradation, targetRate: number, at: BothClocks): DegradationDirective {
  const wall = (ms: number): number => Math.round(at.wallMs + (ms - at.nowMs));
  const { isDegraded, reason, sinceMs, untilMs, dwellMs, leftMs, keptBefore } = state;
  return {
    degraded: isDegraded,
    target_rate: targetRate,
    reason: toldReason(reason),
    since_ms: wall(sinceMs),
    ...(untilMs !== undefined && { until_ms: wall(untilMs) }),
    dwell_ms: dwellMs,
    ...(leftMs !== undefined && { left_ms: wall(leftMs) }),
    ...(isDegraded && keptBefore !== undefined && { kept_before: Number(keptBefore.toFixed(4)) }),
  };
}

/** By the clocks of who goes on. What somebody had ordered, the store says. */
export function fromDirective(directive: DegradationDirective, at: BothClocks): FleetDegradation {
  const own = (wall: number): number => at.nowMs + (wall - at.wallMs);
  const { degraded, reason, since_ms, until_ms, dwell_ms, left_ms, kept_before } = directive;
  return {
    isDegraded: degraded,
    reason: readReason(reason),
    sinceMs: own(since_ms),
    untilMs: until_ms === undefined ? undefined : own(until_ms),
    dwellMs: dwell_ms,
    leftMs: left_ms === undefined ? undefined : own(left_ms),
    manual: undefined,
    ...(kept_before !== undefined && { keptBefore: kept_before }),
  };
}

type ToldReason = DegradationDirective["reason"];

function toldReason(reason: DegradationReason): ToldReason {
  if (reason.kind !== "load" && reason.kind !== "forecast") return reason;
  const { kind, node } = reason;
  const load = Number(reason.load.toFixed(4));
  return node === undefined ? { kind, load } : { kind, load, node };
}

function readReason(reason: ToldReason): DegradationReason {
  return reason.kind === "load" || reason.kind === "forecast" ? { ...reason, node: reason.node } : reason;
}
