import { OWN_MEMORY } from "../../src/core/arena/extent.ts";
import { deliver, type Delivery } from "../../src/data/queue/delivery.ts";
import { NO_LOSSES } from "../../src/data/queue/losses.ts";
import type { QueueStore } from "../../src/data/queue/queue-store.ts";
import { NEVER_MS } from "../../src/data/queue/record.ts";
import { Records } from "../../src/data/queue/records.ts";
import type { Tenant } from "../../src/data/queue/tenants.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { NO_HEADERS } from "../../src/plan/sender-headers.ts";
import { createLedger } from "../../src/telemetry/ledger.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** What a store is opened with: room for so many bytes, and no record in it. */
export interface StoreOptions {
  readonly maxBytes: number;
}

export interface OpenedStore {
  readonly store: QueueStore;
  /** Bytes and items that are reserved and not acked. */
  readonly held: () => { readonly bytes: number; readonly items: number };
  /** Whether what is in it outlives a `keep`. */
  readonly keeps: boolean;
}

export const SOME_TENANT: Tenant = { key: "nobody", heldBytes: 0, parcels: 0, inFlight: 0, served: 0 };

/** Makes deliveries, as a pool does. */
export class Source {
  readonly clock = new ManualClock();
  readonly #records = new Records({ ledger: createLedger(), losses: NO_LOSSES });

  next(bytes: number, items = 1, signal: Signal = "traces", tenant?: Tenant): Delivery {
    const from = { signal, region: "", headers: NO_HEADERS, ack: "queued", shares: [] } as const;
    const times = { enqueuedMs: this.clock.nowMs(), expiresMs: NEVER_MS };
    const pieces = [new Uint8Array(bytes)];
    const facts = { ...from, ...times, bytes, items, points: items };
    const delivery = deliver(this.#records.add(facts, pieces, OWN_MEMORY, undefined));
    delivery.tenant = tenant;
    return delivery;
  }
}

export function ids(deliveries: Iterable<Delivery>): number[] {
  return Array.from(deliveries, ({ record }) => record.id);
}
