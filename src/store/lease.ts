import type { CallOptions } from "./store.ts";

/**
 * The store's leases, without the care for time: an adapter has one, and the thread that renews
 * sessions (`session/`) drives it over a connection of its own, and tells the observer of its
 * calls.
 */
export interface LeaseClient extends AsyncDisposable {
  /** Throws as `Store` does. */
  grant(ttlMs: number, options: CallOptions): Promise<Lease>;
  /** Undefined: it has ended. Its clock began no earlier than this call was sent. */
  renew(id: string, options: CallOptions): Promise<Lease | undefined>;
  /** Ends it, and with it its entries. */
  revoke(id: string, options: CallOptions): Promise<void>;
}

export interface Lease {
  readonly id: string;
  /** What the store granted, which may be more than what was asked for. */
  readonly ttlMs: number;
}
