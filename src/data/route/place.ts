import { emptyList } from "../../core/empty-list.ts";
import type { Reason } from "../../core/reason.ts";
import type { Envelope } from "../../otlp/scan.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Pool } from "../queue/pool-port.ts";
import type { RoutablePool } from "./gate.ts";
import type { RoutePlan } from "../../plan/route-plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { Draft } from "./draft.ts";
import type { Router } from "./route.ts";

/**
 * Why a request cannot enter all of its queues: then it enters none, so that a sender who tries
 * again makes no copies.
 */
export interface Obstacle {
  readonly reason: Reason;
  readonly message: string;
  /** When the sender may try again; undefined where that is not known. */
  readonly retryAfterMs?: number;
}

/** What is asked of a pool until a place is found. */
export interface PlaceablePool
  extends RoutablePool,
    Pick<
      Pool,
      | "name"
      | "ack"
      | "maxBytes"
      | "isFullOfItems"
      | "usable"
      | "hasRoom"
      | "pausesSome"
      | "pausedUntilMs"
      | "returning"
    > {}

/** What is placed: a request that was just routed, and what goes along with it. */
export interface RoutedRequest {
  readonly envelope: Envelope;
  readonly headers: SenderHeaders;
  /** Nodes of the fleet that it came through. */
  readonly path: readonly string[];
  /** Clock.nowMs(), and when its sender is told that it was too late. */
  readonly nowMs: number;
  readonly deadlineMs: number;
}

/**
 * Finds the queue for each draft of the request that was just routed: that of its pool, or, when
 * that is full, of the first pool after it that is usable and has room. `places` gets the indexes
 * of the pools, by draft.
 */
export function placeDrafts(
  router: Pick<Router, "drafts" | "plan" | "placedBytes">,
  pools: readonly PlaceablePool[],
  placed: RoutedRequest,
  places: number[],
): Obstacle | undefined {
  emptyList(places);
  const obstacle = placeEach(router, pools, placed, places);
  for (const place of places) router.placedBytes[place] = 0;
  return obstacle;
}

/** Each alone may fit where those before it and it do not together. */
function placeEach(
  { drafts, plan, placedBytes }: Pick<Router, "drafts" | "plan" | "placedBytes">,
  pools: readonly PlaceablePool[],
  placed: RoutedRequest,
  places: number[],
): Obstacle | undefined {
  const { envelope, headers, path } = placed;
  for (const draft of drafts) {
    const pool = pools[draft.pool]!;
    if (path.length > 0 && pool.returning(path) !== undefined) {
      places.push(draft.pool); // there it is refused, and takes no room
      continue;
    }
    if (pool.whenDown === "refuse" && !pool.usableFor(draft.channel, plan.signal)) {
      return paused(draft, plan, pools, { ...placed, deadlineMs: placed.nowMs }) ?? noTarget(pool);
    }
    const bytes = draft.parcelBytes(envelope);
    const place = findRoom({ draft, bytes, headers, path }, plan, pools, placedBytes);
    if (place < 0 && neverFits(draft, plan, pools, bytes)) return tooLong(pool, bytes);
    if (place < 0) return noRoom(pool, pool.hasRoom(bytes, plan.signal, draft.channel, placedBytes[draft.pool]));
    const inDoubt = pool.pausesSome || !pool.usableFor(draft.channel, plan.signal);
    if (place === draft.pool && pool.ack === "delivered" && inDoubt) {
      const obstacle = paused(draft, plan, pools, placed);
      if (obstacle !== undefined) return obstacle;
    }
    places.push(place);
    placedBytes[place]! += bytes + headers.bytes;
  }
  return undefined;
}

/**
 * What no rule takes is not asked for again: as things are configured it comes to nothing, alone
 * and with others.
 */
export const UNROUTED: Obstacle = {
  reason: "unrouted",
  message: "no rule matches, and no default_pool is configured: add a rule or a default_pool, or set unmatched to drop",
};

/** A node that is not set up yet: senders keep what they have until it is. */
const NO_POOLS: Obstacle = {
  reason: "no_target",
  message: "nothing is configured to deliver to yet: no target and no pool; the node's operator has to add one",
};

/** The first config of a fleet comes from people: senders need not ask each second. */
const NO_CONFIG_RETRY_MS = 5_000;

/** What is said where no rule takes anything. */
export function noRouteIn({ pools, noConfig }: Pick<Plan, "pools" | "noConfig">): Obstacle {
  if (noConfig !== undefined) return { reason: "no_config", message: noConfig, retryAfterMs: NO_CONFIG_RETRY_MS };
  return pools.size === 0 ? NO_POOLS : UNROUTED;
}

/** What is said of a pool without room. */
export function queueFull({ name, isFullOfItems }: PlaceablePool): Obstacle {
  const why = isFullOfItems
    ? "it holds as many items as buffer_size of this node's region allows"
    : "its queue is full";
  return { reason: "queue_full", message: `pool ${name}: ${why}` };
}

/** It is longer than the queue of each pool that could take it: it is no use to come again. */
function neverFits(
  { pool: own }: Draft,
  { pools: plans }: RoutePlan,
  pools: readonly PlaceablePool[],
  bytes: number,
): boolean {
  for (const index of plans[own]!.chain) if (bytes <= pools[index]!.maxBytes) return false;
  return true;
}

function tooLong({ name, maxBytes }: PlaceablePool, bytes: number): Obstacle {
  const mend = "send less in one request, or have queue.max_bytes raised";
  return {
    reason: "too_large",
    message: `pool ${name}: ${bytes} bytes never fit into its queue of ${maxBytes}; ${mend}`,
  };
}

function noTarget({ name }: PlaceablePool): Obstacle {
  return { reason: "no_target", message: `pool ${name}: no target is usable` };
}

/**
 * Nobody who waits should wait in vain: nothing can leave before the sender's deadline, in whatever
 * pool of the chain.
 */
function paused(
  { pool: own, channel }: Draft,
  { signal, pools: plans }: RoutePlan,
  pools: readonly PlaceablePool[],
  { nowMs, deadlineMs, headers }: RoutedRequest,
): Obstacle | undefined {
  let untilMs = Infinity;
  for (const index of plans[own]!.chain) {
    untilMs = Math.min(untilMs, pools[index]!.pausedUntilMs(index === own ? channel : -1, signal, headers));
    if (untilMs <= nowMs || untilMs < deadlineMs) return undefined;
  }
  const leftMs = Math.ceil(untilMs - nowMs);
  const message = `pool ${pools[own]!.name}: its targets asked to be left alone, for ${leftMs} ms from now`;
  return { reason: "no_target", message, retryAfterMs: leftMs };
}

function noRoom(pool: PlaceablePool, forOthers: boolean): Obstacle {
  if (!forOthers) return queueFull(pool);
  const message = `pool ${pool.name}: there is no room for more with the headers of this request, so that others have some`;
  return { reason: "queue_full", message };
}

interface WantedRoom {
  readonly draft: Draft;
  readonly bytes: number;
  readonly headers: SenderHeaders;
  readonly path: readonly string[];
}

function findRoom(
  { draft, bytes, headers, path }: WantedRoom,
  { signal, pools: plans }: RoutePlan,
  pools: readonly PlaceablePool[],
  placedBytes: Float64Array,
): number {
  const own = draft.pool;
  const { chain } = plans[own]!;
  if (pools[own]!.hasRoom(bytes, signal, draft.channel, placedBytes[own], headers)) return own;
  for (let k = 1; k < chain.length; k++) {
    const pool = pools[chain[k]!]!;
    const reserved = placedBytes[chain[k]!]!;
    if (!pool.usable(signal) || (path.length > 0 && pool.returning(path) !== undefined)) continue;
    if (pool.hasRoom(bytes, signal, undefined, reserved, headers)) return chain[k]!;
  }
  return -1;
}
