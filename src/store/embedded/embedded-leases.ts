import { randomBytes } from "node:crypto";
import type { Lease, LeaseClient } from "../lease.ts";
import type { EmbeddedSettings, StoreOptions } from "../store.ts";
import { FACTS, HISTORY } from "./facts.ts";
import { call } from "./until-free.ts";
import { type Opened, StoreFile } from "./store-file.ts";

/** Throws `STORE_REFUSED` when the file cannot be used. */
export function openEmbeddedLeases(settings: EmbeddedSettings, world: StoreOptions): LeaseClient {
  const file = new StoreFile(settings.file, world.clock, HISTORY);
  return {
    async grant(ttlMs, options) {
      const lease: Lease = { id: randomBytes(8).toString("hex"), ttlMs: Math.max(ttlMs, FACTS.minTtlMs) };
      const begin = ({ leases }: Opened): void => leases.begin(lease, file.nowMs());
      await call("open_session", () => file.write(begin), { options, world });
      return lease;
    },
    /**
     * Not synced: only a machine that loses its power forgets it, and with the machine goes whoever
     * holds the lease.
     */
    async renew(id, options) {
      const renew = ({ leases }: Opened): Lease | undefined => {
        const lease = leases.find(id);
        if (lease !== undefined) leases.begin(lease, file.nowMs());
        return lease;
      };
      return await call("renew", () => file.write(renew, "written"), { options, world });
    },
    async revoke(id, options) {
      const revoke = ({ leases, tables, writer }: Opened): void => {
        writer.write([], tables.keysOf(id), file.nowMs());
        leases.remove(id);
      };
      await call("close_session", () => file.write(revoke), { options, world });
    },
    async [Symbol.asyncDispose]() {
      file[Symbol.dispose]();
    },
  };
}
