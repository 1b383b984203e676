import { join } from "node:path";
import type { NodeConfig } from "../../config/schema/config.ts";
import { linkKeysOf } from "../../plan/link-proof.ts";
import { openFleetMemory } from "../../store/recipes/fleet-memory.ts";
import { storeObserver } from "../../store/store-metrics.ts";
import { openCoordination } from "../coordination.ts";
import { FLEET_FILE } from "../named-store.ts";
import type { NodeFleet } from "../node-fleet.ts";
import type { FleetLinkOptions, OpenFleetStore } from "./fleet-link-options.ts";
import { MEMBERS_FILE, openSavedMembers } from "./saved-members.ts";
import { type FleetLink, openFleetLink } from "./open-fleet-link.ts";
import { acknowledgedBy, type FollowingNode, takeOverBy } from "./take-over.ts";
import { rememberDigest } from "./text-digest.ts";

type SharedOptions = "dataPlane" | "env" | "facts" | "load" | "node" | "sampling" | "walk";

interface LinkToFleetOptions
  extends Pick<FleetLinkOptions, SharedOptions>,
    Required<Pick<FleetLinkOptions, "degradation">> {
  /** Where it keeps what must survive a restart. */
  readonly dataDir: string | undefined;
  readonly addresses: () => Readonly<Record<string, string | undefined>>;
  /** What it has opened already, where nodes share a store. */
  readonly shared: Pick<NodeFleet, "coordination" | "memory" | "leaderTask" | "truth"> | undefined;
  /** Applies the fleet's config; absent: the node has its own. */
  readonly follower: FollowingNode | undefined;
}

/**
 * A node is part of a fleet where nodes share a store, or where its controller is to be reached.
 * Undefined: it is alone, and its own controller. Throws as `openFleetLink`, and
 * `CONFIG_UNREADABLE` where what it remembers of its fleet cannot be believed.
 */
export async function linkToFleet(options: LinkToFleetOptions): Promise<FleetLink | undefined> {
  const { node, dataDir, env, shared, follower } = options;
  if (isAlone(node)) return undefined;
  if (dataDir === undefined) {
    const hint = "give node.data_dir as a whole path, to a directory that can be written";
    env.log.error("this node is no part of its fleet: it cannot keep which epochs it has obeyed", { hint });
    return undefined;
  }
  const observer = storeObserver(env.metrics, env.log);
  const digestOf = rememberDigest();
  const link = await openFleetLink({
    ...options,
    digestOf,
    savedMembers: await openSavedMembers(join(dataDir, MEMBERS_FILE), env),
    memory: shared?.memory ?? (await openFleetMemory(join(dataDir, FLEET_FILE))),
    openStore: async () =>
      shared === undefined ? openCoordination(node.coordination, dataDir, { ...env, observer }) : keptOpen(shared),
    addresses: () => bound(options.addresses()),
    leaderTasks: shared === undefined ? {} : { mirror: shared.leaderTask },
    rollouts: shared?.coordination.place,
    isIsolated: () => follower?.status.trouble?.kind === "isolated",
    acknowledged: () => follower && acknowledgedBy(follower.status, options.walk.status, digestOf),
    ...(follower !== undefined && takeOverBy(follower, node.roles.includes("controller"), shared)),
  });
  follower?.whenRefused(() => link.reportNow());
  return link;
}

/**
 * Whether a node has of the limits of its config what it is granted. Whose store is its own shares
 * them with nobody, and has all of them.
 */
export function sharesLimits(node: NodeConfig, dataDir: string | undefined): boolean {
  const { type, file } = node.coordination;
  return dataDir !== undefined && !isAlone(node) && (type !== "embedded" || file !== undefined);
}

/** It shares no store, and nobody reaches its controller. */
export function isAlone({ coordination, fleet }: NodeConfig): boolean {
  return coordination.type === "embedded" && (fleet.listen === undefined || fleet.listen === false);
}

/**
 * What links are proven with (`linkKeysOf`). Nodes that share a store on their machine have their
 * plans before they know the id of their fleet: without a token anybody may know their key.
 */
export function linkKeysIn(node: NodeConfig, shared: Pick<NodeFleet, "memory"> | undefined): readonly string[] {
  const ofMachine = isAlone(node) ? undefined : "";
  return linkKeysOf(node.fleet, shared === undefined ? ofMachine : shared.memory.identity?.id);
}

/** Whoever opened it closes it. */
function keptOpen({ coordination: { place } }: Pick<NodeFleet, "coordination">): OpenFleetStore {
  return { place, [Symbol.asyncDispose]: async () => undefined };
}

function bound(addresses: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(addresses).flatMap(([name, at]) => (at === undefined ? [] : [[name, at]])));
}
