/**
 * What an event of a fleet is about, so that one can listen to that alone. A line of the log has it
 * as its field `kind`, or is about the node by itself and has none.
 */
export const EVENT_KINDS = [
  /** Who leads the fleet and its regions, and who is to. */
  "election",
  /** Collectors and controllers that come, go, or are not found. */
  "member",
  /** The config of the fleet. */
  "config",
  /** A config that some of its nodes try before all run it. */
  "rollout",
  /** What a node or the fleet gives up under load, or because people want it. */
  "degradation",
  /** What of a sampling budget is spent, and that it will not do. */
  "sampling",
  /** The store does not answer, or what depends on it was lost or could not be written. */
  "store",
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Undefined for what is none. */
export function eventKind(value: unknown): EventKind | undefined {
  return EVENT_KINDS.find((kind) => kind === value);
}
