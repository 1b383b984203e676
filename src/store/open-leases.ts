import { Unreachable } from "../core/unreachable.ts";
import type { LeaseClient } from "./lease.ts";
import type { StoreOptions, StoreSettings } from "./store.ts";

/** The leases of a store, over a connection of their own. Loads what the kind needs, no more. */
export async function openLeases(settings: StoreSettings, options: StoreOptions): Promise<LeaseClient> {
  switch (settings.kind) {
    case "embedded":
      return (await import("./embedded/embedded-leases.ts")).openEmbeddedLeases(settings, options);
    case "etcd":
      return (await import("./etcd/etcd-leases.ts")).openEtcdLeases(settings, options);
    case "consul":
      return (await import("./consul/consul-leases.ts")).openConsulLeases(settings, options);
    default:
      throw new Unreachable(settings satisfies never);
  }
}
