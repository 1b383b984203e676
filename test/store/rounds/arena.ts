import { rmSync } from "node:fs";
import { join } from "node:path";
import type { StoreSettings } from "../../../src/store/store.ts";
import { ConsulServer } from "../../support/consul-server.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { makeQuickFolder } from "../../support/quick-folder.ts";
import type { Disruption } from "./disruption.ts";

/** Where rounds take place. `etcd3`: one of three members. */
export const ARENAS = ["embedded", "etcd", "etcd3", "consul"] as const;
export type ArenaName = (typeof ARENAS)[number];

export interface Arena extends AsyncDisposable {
  readonly settings: StoreSettings;
  readonly ttlMs: number;
  /** What is done to candidates, again and again: each kind to those who lead most. */
  readonly waves: readonly (readonly Disruption[])[];
}

/**
 * The first hits one that leads in many elections each; the others mostly one that leads in all, by
 * the kind that comes first.
 */
const OVER_A_NETWORK: Arena["waves"] = [
  ["kill", "pause", "cut"],
  ["hold", "deaf", "kill"],
  ["pause", "kill", "hold"],
  ["block", "cut", "pause"],
  ["deaf", "hold", "kill"],
  ["cut", "pause", "block"],
  ["kill", "deaf", "hold"],
];
/** Whoever is stopped in the middle of a write to the file stops the others as well. */
const ON_A_FILE: Arena["waves"] = [
  ["kill", "block"],
  ["block", "kill"],
];

export async function openArena(name: ArenaName): Promise<Arena> {
  switch (name) {
    case "embedded": {
      const folder = makeQuickFolder("signalbox-rounds-");
      return {
        settings: { kind: "embedded", file: join(folder, "store.sqlite") },
        ttlMs: 3_000,
        waves: ON_A_FILE,
        [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
      };
    }
    case "etcd":
    case "etcd3": {
      const server = await EtcdServer.open({ members: name === "etcd" ? 1 : 3 });
      return {
        settings: { kind: "etcd", endpoints: server.endpoints, compact: false },
        ttlMs: 3_000,
        waves: OVER_A_NETWORK,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    }
    case "consul": {
      const server = await ConsulServer.open();
      return {
        settings: server.settings,
        ttlMs: 10_000,
        waves: OVER_A_NETWORK,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    }
    default:
      throw new Error(name satisfies never);
  }
}
