import assert from "node:assert/strict";
import { systemClock } from "../../../src/core/clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { openEtcdLeases } from "../../../src/store/etcd/etcd-leases.ts";
import { FACTS } from "../../../src/store/etcd/facts.ts";
import { openEtcd } from "../../../src/store/etcd/open-etcd.ts";
import type { EtcdSettings, StoreOptions } from "../../../src/store/store.ts";
import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { type ContractPart, SILENT_OBSERVER, storeContract, type StoreFixture } from "../contract.ts";

export const STORE_OPTIONS: StoreOptions = { clock: systemClock, random: seededRandom(1), observer: SILENT_OBSERVER };

export function settingsOf(endpoints: readonly string[], more: Partial<EtcdSettings> = {}): EtcdSettings {
  return { kind: "etcd", endpoints, compact: false, ...more };
}

/** The contract suite, or some of its parts, on an etcd of so many members. */
export function etcdContract(program: "etcd" | "etcd-newer", members: 1 | 3, parts?: readonly ContractPart[]): void {
  const isThere = findProgram(program) !== undefined;
  const name = `${program}, ${members === 1 ? "one member" : "three members"}`;
  storeContract(name, {
    facts: FACTS,
    ...(parts !== undefined && { parts }),
    ...(isThere ? {} : { skip: absenceOf(program) }),
    open: () => openFixture(program, members),
  });
}

async function openFixture(program: string, members: 1 | 3): Promise<StoreFixture> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await EtcdServer.open({ program, members }));
  const proxy = stack.use(await FaultProxy.open(server.members[0]!.port));
  const direct = settingsOf(server.endpoints);
  const proxied = settingsOf([`http://127.0.0.1:${proxy.port}`]);
  const owned = stack.move();
  return {
    openStore: (options) => openEtcd(direct, options),
    openLeases: (options) => openEtcdLeases(direct, options),
    openSilenced: (options) => ({ store: openEtcd(proxied, options), leases: openEtcdLeases(proxied, options) }),
    answersAlways: [],
    async openNetwork() {
      const way = await FaultProxy.open(server.members[0]!.port);
      const settings = settingsOf([`http://127.0.0.1:${way.port}`]);
      return {
        proxy: way,
        openStore: (options) => openEtcd(settings, options),
        [Symbol.asyncDispose]: () => way[Symbol.asyncDispose](),
      };
    },
    async silence() {
      proxy.mode = "hold";
      return {
        async [Symbol.asyncDispose]() {
          proxy.mode = "pass";
        },
      };
    },
    compact: () => compactAll(server.endpoints),
    wipe: () => server.wipe(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** All history up to now is forgotten. */
export async function compactAll(endpoints: readonly string[]): Promise<void> {
  const { signal } = new AbortController();
  await using store = openEtcd(settingsOf(endpoints, { compact: true }), STORE_OPTIONS);
  const { revision } = await store.list("/", { signal, limit: 1 });
  assert.ok(store.compact);
  await store.compact(revision, { signal });
}
