import { randomBytes } from "node:crypto";
import type { Lease, LeaseClient } from "../lease.ts";
import type { CallOptions, EmbeddedSettings, StoreOptions } from "../store.ts";
import { FACTS, HISTORY } from "./facts.ts";
import { call } from "./until-free.ts";
import { type Durability, type Opened, StoreFile } from "./store-file.ts";

/** Throws `STORE_REFUSED` when the file cannot be used. */
export function openEmbeddedLeases({ file }: EmbeddedSettings, options: StoreOptions): LeaseClient {
  return new EmbeddedLeases(new StoreFile(file, options.clock, HISTORY), options);
}

class EmbeddedLeases implements LeaseClient {
  readonly #file: StoreFile;
  readonly #world: StoreOptions;

  constructor(file: StoreFile, world: StoreOptions) {
    this.#file = file;
    this.#world = world;
  }

  async grant(ttlMs: number, options: CallOptions): Promise<Lease> {
    const lease: Lease = { id: randomBytes(8).toString("hex"), ttlMs: Math.max(ttlMs, FACTS.minTtlMs) };
    return await this.#write("open_session", options, ({ leases }) => {
      leases.begin(lease, this.#file.nowMs());
      return lease;
    });
  }

  /**
   * Not synced: only a machine that loses its power forgets it, and with the machine goes whoever
   * holds the lease.
   */
  async renew(id: string, options: CallOptions): Promise<Lease | undefined> {
    const renew = ({ leases }: Opened): Lease | undefined => {
      const lease = leases.find(id);
      if (lease !== undefined) leases.begin(lease, this.#file.nowMs());
      return lease;
    };
    return await this.#write("renew", options, renew, "written");
  }

  async revoke(id: string, options: CallOptions): Promise<void> {
    await this.#write("close_session", options, ({ leases, tables, writer }) => {
      writer.write([], tables.keysOf(id), this.#file.nowMs());
      leases.remove(id);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file[Symbol.dispose]();
  }

  #write<T>(
    operation: "open_session" | "renew" | "close_session",
    options: CallOptions,
    run: (opened: Opened) => T,
    durability?: Durability,
  ): Promise<T> {
    return call(operation, () => this.#file.write(run, durability), { options, world: this.#world });
  }
}
