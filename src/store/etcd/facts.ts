import type { StoreFacts } from "../store.ts";

/** etcd looks for leases that ended twice a second. */
export const FACTS: StoreFacts = { kind: "etcd", isFair: true, minTtlMs: 3_000, expiryFactor: 1, hasHistory: true };
