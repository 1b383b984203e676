import { isHeldExactly, joinOwned, lengthOf } from "../../core/bytes.ts";
import { remembered } from "../../core/remembered.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { Division } from "../../plan/division.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { type Parcel, viewsOf } from "../queue/parcel.ts";
import type { Partition, Repartitioner } from "../queue/pool-port.ts";
import { isUnread } from "../queue/record.ts";
import { type Signal, SIGNALS } from "../../otlp/signal.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import { headerTestsOf } from "../../plan/header-tests.ts";
import type { RoutePlan } from "../../plan/route-plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import { Router } from "./route.ts";

/**
 * How routed parcels are divided for lanes that they were not routed to: by the stage route itself.
 */
export function createRepartitioner(metrics: Metrics): Repartitioner {
  const partitionerOf = remembered((division: Division): Partitioner => createPartitioner(division, metrics));
  return {
    partition(parcel, { division }, ownerOf) {
      if (division.kind === "none") return [whole(parcel, 0)];
      const { record } = parcel;
      // It goes no further than its lane: there it is sent back to be read.
      if (isUnread(record)) return [whole(parcel, lastChannel(division, ownerOf))];
      const pieces = viewsOf(parcel);
      const bytes = pieces.length === 1 ? pieces[0]! : joinOwned(pieces);
      const partitions = partitionerOf(division)(record.signal, bytes, record, ownerOf);
      // Nobody can say where items belong that cannot be read: a target is to check them.
      return partitions === undefined || partitions.length === 0
        ? [whole(parcel, lastChannel(division, ownerOf))]
        : partitions.map(own);
    },
  };
}

/** What lies beside a partition must not stay for as long as this one waits. */
function own(part: ChannelPart): Partition {
  return isHeldExactly(part.pieces, part.bytes) ? part : { ...part, pieces: [joinOwned(part.pieces, part.bytes)] };
}

function whole({ record, pieces }: Parcel, channel: number): Partition {
  const { bytes, items, points } = record;
  return { channel, pieces, bytes, items, points };
}

/** Where what has none of the properties goes that the division asks for. */
function lastChannel(division: Division, ownerOf: (hash: number) => number): number {
  switch (division.kind) {
    case "none":
      return 0;
    case "cases":
      return division.conditions.traces.length;
    case "regions":
      return division.regions.length;
    case "key":
      return ownerOf(0);
    default:
      throw new Unreachable(division);
  }
}

/** What one channel of a pool gets of a request. */
interface ChannelPart {
  readonly channel: number;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly items: number;
  readonly points: number;
}

/** Of the request that a parcel came in. */
interface RequestOrigin {
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
  const rule = { id: "", mode: "first", pool: "", condition, onlyService: undefined, asksHeaders: false } as const;
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
