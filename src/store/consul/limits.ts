/** Consul takes no shorter session. */
export const MIN_TTL_MS = 10_000;

/** A session lives for twice its TTL after its last renewal. */
export const EXPIRY_FACTOR = 2;

/** Together with those for leases well below the 200 that a Consul agent takes of one address. */
export const CALL_CONNECTIONS = 16;
export const WATCH_CONNECTIONS = 64;
