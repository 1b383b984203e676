import { RouterError } from "../core/errors.ts";
import type { LeaseClient } from "./lease.ts";
import type { StoreOptions, StoreSettings } from "./store.ts";

/** The leases of a store, over a connection of their own. Loads what the kind needs, and no more. */
export async function openLeases(settings: StoreSettings, options: StoreOptions): Promise<LeaseClient> {
  throw new RouterError("STORE_REFUSED", `no ${settings.kind} ${typeof options}`);
}
