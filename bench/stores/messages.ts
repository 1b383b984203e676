import type { StoreSettings } from "../../src/store/store.ts";

/** What a client of a store is started with. */
export interface StoreClientArguments {
  readonly settings: StoreSettings;
}

export type StoreClientRequest =
  | { readonly kind: "rates"; readonly inFlight: number; readonly windowMs: number }
  | { readonly kind: "lag"; readonly writes: number; readonly withinMs: number }
  | { readonly kind: "watches"; readonly count: number }
  | { readonly kind: "handOver"; readonly rounds: number }
  /** Answered when it has the lock of that number. */
  | { readonly kind: "take"; readonly lock: number };

export type StoreClientReport =
  | { readonly kind: "ready"; readonly version: string }
  | { readonly kind: "rates"; readonly rates: StoreRates }
  | { readonly kind: "lag"; readonly lag: StoreLag }
  | { readonly kind: "watches"; readonly bytesEach: number }
  | { readonly kind: "handOver"; readonly ms: number }
  /** When, by the machine's time. */
  | { readonly kind: "taken"; readonly atMs: number }
  | { readonly kind: "failed"; readonly reason: string };

/** Calls a second. */
export interface StoreRates {
  readonly inFlight: number;
  readonly puts: number;
  readonly txns: number;
  readonly gets: number;
}

export interface StoreLag {
  readonly writes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
