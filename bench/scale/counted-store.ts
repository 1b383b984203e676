import { versionOf } from "../../test/set-up/programs.ts";
import { ConsulServer } from "../../test/support/consul-server.ts";
import { EtcdServer } from "../../test/support/etcd-server.ts";
import type { StoreSettings } from "../../src/store/store.ts";

export type CountedStoreKind = "etcd" | "consul";

/** A real store of its own, which tells how much is written to it. */
export interface CountedStore extends AsyncDisposable {
  /** With its version. */
  readonly name: string;
  readonly settings: StoreSettings;
  readonly pid: number;
  /**
   * So often something was written since it began, by the store's own count: entries of its log
   * that all members would have to keep, leases that were granted among them.
   */
  writes(): Promise<number>;
}

export async function openCountedStore(kind: CountedStoreKind): Promise<CountedStore> {
  return kind === "etcd" ? openEtcd() : openConsul();
}

async function openEtcd(): Promise<CountedStore> {
  const server = await EtcdServer.open({ isOnDisk: true });
  const { only } = server;
  return {
    name: `etcd ${versionOf("etcd")}`,
    settings: { kind: "etcd", endpoints: server.endpoints, compact: false },
    pid: only.pid,
    async writes() {
      const metrics = await (await fetch(`${only.endpoint}/metrics`)).text();
      const [, count = ""] = /^etcd_server_proposals_committed_total (\S+)$/mu.exec(metrics) ?? [];
      return countOf(count);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function openConsul(): Promise<CountedStore> {
  const server = await ConsulServer.open({ isOnDisk: true });
  return {
    name: `Consul ${versionOf("consul")}`,
    settings: server.settings,
    pid: server.pid,
    async writes() {
      const self = await server.ask("GET", "agent/self");
      const stats: unknown = isObject(self) ? self["Stats"] : undefined;
      const raft: unknown = isObject(stats) ? stats["raft"] : undefined;
      return countOf(isObject(raft) ? raft["commit_index"] : undefined);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function countOf(text: unknown): number {
  const count = Number(text);
  if (typeof text !== "string" || text === "" || !Number.isFinite(count))
    throw new Error("a store does not tell what is written");
  return count;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
