import { rmSync } from "node:fs";
import { join } from "node:path";
import type { StoreSettings } from "../../../src/store/store.ts";
import { ConsulServer } from "../../support/consul-server.ts";
import { type EtcdMember, EtcdServer } from "../../support/etcd-server.ts";
import { makeQuickFolder } from "../../support/quick-folder.ts";
import type { Disruption, MemberRole, Wave } from "./disruption.ts";

/** Where rounds take place. `etcd3`: one of three members. */
export const ARENAS = ["embedded", "etcd", "etcd3", "consul"] as const;
export type ArenaName = (typeof ARENAS)[number];

export interface Arena extends AsyncDisposable {
  readonly settings: StoreSettings;
  readonly ttlMs: number;
  /** What is done, again and again: each kind to those candidates who lead most. */
  readonly waves: readonly Wave[];
  /** Ends the process of a member, and gives what starts it again. */
  killMember?(role: MemberRole): Promise<() => Promise<void>>;
}

/**
 * The first hits one that leads in many elections each; the others mostly one that leads in all, by
 * the kind that comes first.
 */
const OVER_A_NETWORK: readonly (readonly Disruption[])[] = [
  ["kill", "pause", "cut"],
  ["block", "hold", "kill"],
  ["one_way", "pause", "hold"],
  ["pause", "kill", "cut"],
  ["kill", "block", "one_way"],
  ["cut", "kill", "block"],
  ["hold", "pause", "one_way"],
];
/** Beside the waves, by their number: a store of three members loses one, and not in each. */
const MEMBERS_KILLED: readonly (MemberRole | undefined)[] = [undefined, "leader", "follower", undefined];
/** Whoever is stopped in the middle of a write to the file stops the others as well. */
const ON_A_FILE: readonly (readonly Disruption[])[] = [
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
        waves: ON_A_FILE.map((candidates) => ({ candidates })),
        [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
      };
    }
    case "etcd":
      return onEtcd(await EtcdServer.open());
    case "etcd3":
      return onMembers(await EtcdServer.open({ members: 3 }));
    case "consul": {
      const server = await ConsulServer.open();
      return {
        settings: server.settings,
        ttlMs: 10_000,
        waves: OVER_A_NETWORK.map((candidates) => ({ candidates })),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    }
    default:
      throw new Error(name satisfies never);
  }
}

function onEtcd(server: EtcdServer): Arena {
  return {
    settings: { kind: "etcd", endpoints: server.endpoints, compact: false },
    ttlMs: 3_000,
    waves: OVER_A_NETWORK.map((candidates) => ({ candidates })),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function onMembers(server: EtcdServer): Arena {
  const waves = OVER_A_NETWORK.map((candidates, at) => {
    return { candidates, member: MEMBERS_KILLED[at % MEMBERS_KILLED.length] };
  });
  return { ...onEtcd(server), waves, killMember: (role) => killMember(server, role) };
}

async function killMember(server: EtcdServer, role: MemberRole): Promise<() => Promise<void>> {
  const leader = await server.leader();
  const isWanted = (member: EtcdMember): boolean => (member === leader) === (role === "leader");
  const member = server.members.find(isWanted);
  if (member === undefined) throw new Error(`etcd has no ${role}`);
  await member.kill();
  return () => member.start();
}
