/**
 * How much of each kind one request may hold, whatever its bytes: an empty one takes two bytes, and
 * work of its own.
 */
export interface RequestLimits {
  readonly maxResources: number;
  readonly maxScopes: number;
  /** Spans, metrics, log records. */
  readonly maxItems: number;
  /** Data points of metrics. */
  readonly maxPoints: number;
  /**
   * Attributes, and whatever else repeats within an item: events, links, exemplars, quantiles,
   * elements of values.
   */
  readonly maxAttributes: number;
  /** Links from one node of a fleet to another that it may have come over. */
  readonly maxHops: number;
}

/** For what was counted when it was received. Whole numbers, so that they are compared as such. */
export const NO_LIMITS: RequestLimits = {
  maxResources: 0x3fff_ffff,
  maxScopes: 0x3fff_ffff,
  maxItems: 0x3fff_ffff,
  maxPoints: 0x3fff_ffff,
  maxAttributes: 0x3fff_ffff,
  maxHops: 0x3fff_ffff,
};

/**
 * What a request can have too much of. `json_objects` and `json_names` are bounds of JSON texts
 * alone; `fields` are those around items; `parts` is what rules and pools divide a request into.
 */
export const EXCESSES = [
  "resources",
  "scopes",
  "items",
  "points",
  "attributes",
  "fields",
  "json_objects",
  "json_names",
  "parts",
] as const;
export type Excess = (typeof EXCESSES)[number];
