import type { StoreFacts } from "../store.ts";

/** Consul takes no shorter session. */
export const MIN_TTL_MS = 10_000;

export const FACTS: StoreFacts = {
  kind: "consul",
  isFair: false,
  minTtlMs: MIN_TTL_MS,
  // A session lives for twice its TTL after its last renewal.
  expiryFactor: 2,
  hasHistory: false,
};

/** Together with those for leases well below the 200 that a Consul agent takes of one address. */
export const CALL_CONNECTIONS = 16;
export const WATCH_CONNECTIONS = 64;
