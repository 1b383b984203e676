import type { StoreFacts } from "../store.ts";
import type { HistoryRetention } from "./tables.ts";

export const FACTS: StoreFacts = {
  kind: "embedded",
  isFair: true,
  minTtlMs: 3_000,
  expiryFactor: 1,
  hasHistory: true,
};

/** Of the last changes, for watches that were held up: more than a node makes in a day. */
export const HISTORY: HistoryRetention = { maxChanges: 20_000, maxBytes: 67_108_864 };
