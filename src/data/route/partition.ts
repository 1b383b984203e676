import { lengthOf } from "../../core/bytes.ts";
import { SIGNALS, type Signal } from "../../otlp/signal.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import type { Division } from "../../plan/division.ts";
import { headerTestsOf } from "../../plan/header-tests.ts";
import type { RoutePlan } from "../../plan/route-plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { Router } from "./route.ts";

/** What one channel of a pool gets of a request. */
export interface ChannelPart {
  readonly channel: number;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly items: number;
  readonly points: number;
}

/** Of the request that a parcel came in. */
export interface RequestOrigin {
  /** Of its listener. */
  readonly region: string;
  readonly headers: SenderHeaders;
}

/**
 * Divides the bytes of a parcel as a request would have been divided that goes to this pool.
 * Undefined when it is malformed, or too long divided.
 */
export type Partitioner = (
  signal: Signal,
  bytes: Uint8Array,
  from: RequestOrigin,
  ownerOf: (hash: number) => number,
) => readonly ChannelPart[] | undefined;

/**
 * Routes by a plan of one rule that takes everything, so that there is one way in which items are
 * divided.
 */
export function createPartitioner(division: Division, metrics: Metrics): Partitioner {
  const envelope = new Envelope();
  let ownerOf: (hash: number) => number = firstChannel;
  const view = {
    refresh: () => undefined,
    usableFor: () => true,
    whenDown: "hold",
    hasAnyRoom: () => true,
    ownerOf: (hash: number) => ownerOf(hash),
  } as const;
  const routers = new Map(
    SIGNALS.map((signal) => [signal, new Router(everythingTo(division, signal), [view], metrics)]),
  );
  return (signal, bytes, { region, headers }, owner) => {
    ownerOf = owner;
    if (!scanEnvelope(signal, bytes, envelope)) return undefined;
    const router = routers.get(signal)!;
    router.divide(envelope, region, headers);
    const parts = router.problem !== "" || router.excess !== undefined ? undefined : takeDrafts(router, envelope);
    router.release();
    envelope.release();
    return parts;
  };
}

function takeDrafts(router: Router, envelope: Envelope): ChannelPart[] {
  return router.drafts.map((draft) => {
    const { channel, items, points } = draft;
    const pieces = draft.finish(envelope);
    return { channel, items, points, pieces, bytes: lengthOf(pieces) };
  });
}

function everythingTo(division: Division, signal: Signal): RoutePlan {
  const condition = { kind: "all", of: [] } as const;
  const rule = { id: "", mode: "first", pool: "", condition, onlyService: undefined, isDefault: true } as const;
  const pools = [{ name: "", division, chain: [0] }];
  const headerTests = headerTestsOf([rule], pools, signal);
  return {
    signal,
    rules: [rule],
    others: [],
    unmatched: "refuse",
    pools,
    poolOf: [0],
    headerTests,
    candidates: onlyRule,
  };
}

function onlyRule(): readonly number[] {
  return [0];
}

function firstChannel(): number {
  return 0;
}
