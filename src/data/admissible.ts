import { findMalformed } from "../otlp/check.ts";
import type { Excess } from "../otlp/limits.ts";
import type { Signal } from "../otlp/signal.ts";
import { type Obstacle, type RoutedRequest, type PlaceablePool, placeDrafts } from "./route/place.ts";
import type { Draft } from "./route/draft.ts";
import type { SignalPipeline } from "./signal-pipeline.ts";

/**
 * Why a request is refused that was routed; an empty problem, no excess and no obstacle when it is
 * not.
 */
interface Admissibility {
  /** What is wrong with the request itself. */
  readonly problem: string;
  readonly excess: Excess | undefined;
  readonly obstacle: Obstacle | undefined;
}

/** A router, and its pools as far as they are asked for a place. */
type PlacingPipeline = Pick<SignalPipeline, "router"> & { readonly pools: readonly PlaceablePool[] };

/**
 * Decides about the request that was just routed, and changes nothing. `places` gets the indexes of
 * the pools, by draft.
 */
export function checkAdmissible(
  pipeline: PlacingPipeline & Pick<SignalPipeline, "noRoute">,
  placed: RoutedRequest,
  places: number[],
): Admissibility {
  const { router, pools } = pipeline;
  const { excess } = router;
  if (excess !== undefined) return { problem: "", excess, obstacle: undefined };
  const problem =
    router.problem !== "" ? router.problem : validateBeforeAck(pipeline, router.plan.signal, placed.envelope.bytes);
  if (problem !== "") return { problem, excess, obstacle: undefined };
  return { problem, excess, obstacle: placeDrafts(router, pools, placed, places) ?? refusedUnmatched(pipeline) };
}

/**
 * A request of which some part is acknowledged without a target having seen it is validated to its
 * last field before. Everywhere else the target's answer is the sender's. Empty when there is
 * nothing to object.
 */
function validateBeforeAck(pipeline: PlacingPipeline, signal: Signal, bytes: Uint8Array): string {
  const { router } = pipeline;
  const dropped = router.plan.unmatched === "drop" && router.unmatchedPoints > 0;
  const early = router.drafts.some((draft) => mayAckEarly(pipeline, draft));
  // Metrics without data points that no rule takes leave neither a draft nor a point.
  const nothing = router.drafts.length === 0 && router.unmatchedPoints === 0;
  return dropped || early || nothing ? check(signal, bytes) : "";
}

/** Any pool that may take it over counts: where there is room is not known yet. */
function mayAckEarly({ router, pools }: PlacingPipeline, { pool }: Draft): boolean {
  return router.plan.pools[pool]!.chain.some((index) => pools[index]!.ack !== "delivered");
}

export function check(signal: Signal, bytes: Uint8Array): string {
  const at = findMalformed(signal, bytes);
  return at < 0 ? "" : `not a valid protobuf message: malformed at byte ${at}`;
}

function refusedUnmatched({ router, noRoute }: Pick<SignalPipeline, "router" | "noRoute">): Obstacle | undefined {
  const refused = router.unmatchedPoints > 0 && router.drafts.length === 0 && router.plan.unmatched === "refuse";
  return refused ? noRoute : undefined;
}
