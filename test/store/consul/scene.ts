import { after, before } from "node:test";
import { openConsulLeases } from "../../../src/store/consul/consul-leases.ts";
import { openConsul } from "../../../src/store/consul/open-consul.ts";
import type { LeaseClient } from "../../../src/store/lease.ts";
import type { StoreAdapter } from "../../../src/store/store.ts";
import { ConsulServer } from "../../support/consul-server.ts";
import { CONSUL_ABSENCE, STORE_OPTIONS } from "./consul-fixture.ts";

interface SceneParts {
  readonly server: ConsulServer;
  readonly store: StoreAdapter;
  readonly leases: LeaseClient;
}

/**
 * A Consul of one file's own, and a client of it, from before its first test until after its last.
 */
export class ConsulScene {
  #parts: SceneParts | undefined;

  /** Tests are skipped with this. */
  readonly skip = CONSUL_ABSENCE ?? false;

  constructor() {
    if (this.skip !== false) return;
    before(async () => {
      const server = await ConsulServer.open();
      const store = openConsul(server.settings, STORE_OPTIONS);
      this.#parts = { server, store, leases: openConsulLeases(server.settings, STORE_OPTIONS) };
    });
    after(async () => {
      await Promise.all([this.store[Symbol.asyncDispose](), this.leases[Symbol.asyncDispose]()]);
      await this.server[Symbol.asyncDispose]();
    });
  }

  get server(): ConsulServer {
    return this.#open.server;
  }

  get store(): StoreAdapter {
    return this.#open.store;
  }

  get leases(): LeaseClient {
    return this.#open.leases;
  }

  /** A new session. */
  async grant(): Promise<string> {
    const { id } = await this.leases.grant(10_000, { signal: new AbortController().signal });
    return id;
  }

  get #open(): SceneParts {
    if (this.#parts === undefined) throw new Error("the server is there from before the first test");
    return this.#parts;
  }
}
