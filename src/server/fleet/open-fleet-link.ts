import type { NodeConfig } from "../../config/schema/config.ts";
import type { Clock } from "../../core/clock.ts";
import type { FollowerStatus } from "../../control/fleet/follower.ts";
import { type LeaderTask, ROLLOUT_TASK } from "../../control/global/global-controller.ts";
import type { FleetSample } from "../../control/rollout/collector-sample.ts";
import { sampleCollectors } from "../../control/rollout/sample-collectors.ts";
import { rolloutObserver } from "../../control/rollout/rollout-metrics.ts";
import { degradationTask } from "../../control/degradation/degradation-task.ts";
import { rolloutTask } from "../../control/rollout/rollout-task.ts";
import { tellSpent } from "../../control/sampling/sampling-metrics.ts";
import { samplingTask } from "../../control/sampling/sampling-task.ts";
import { FleetTopology } from "../../control/topology/fleet-topology.ts";
import { RegionSource } from "../../control/topology/region-topology.ts";
import type { TopologySource } from "../../control/topology/topology-source.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import { degradationIn } from "../node-degradation.ts";
import type { FleetLinkOptions } from "./fleet-link-options.ts";
import { type NodeFollower, openNodeFollower } from "./node-follower.ts";
import { openLink } from "./open-link.ts";
import { openServingController, type ServingController } from "./serving-controller.ts";

/** How a node stands in its fleet, and what it closes with. */
export interface FleetLink extends AsyncDisposable {
  /** Where its controller is reached; undefined: it has none, or nobody reaches it. */
  readonly address: string | undefined;
  readonly status: FollowerStatus;
  /** Who is in the fleet, as its controller sees it; of a collector alone, who is in its region. */
  readonly topology: TopologySource;
  /** Another config is there. */
  configured(): void;
  /** Its controller is told how it is as soon as a second has passed since the last time. */
  reportNow(): void;
  /**
   * Certificates and the token of its controller; what it shows itself is read for each new way.
   */
  renew(fleet: NodeConfig["fleet"]): void;
}

/** Less than what a stop has besides its grace (run.ts). */
const LONGEST_LEAVE_MS = 2_500;

/**
 * Makes a node part of its fleet: a controller if it has the role, and a collector that follows
 * one. Disposing it says goodbye, resigns, and closes, in this order, in 2.5 s at most. Throws
 * LISTEN_FAILED or TLS_INVALID; the store may be away.
 */
export async function openFleetLink(options: FleetLinkOptions): Promise<FleetLink> {
  await using parts = new AsyncDisposableStack();
  const late: { topology?: TopologySource } = {};
  const own = { ...degradationTaskOf(options), sampling: samplingTaskOf(options) };
  const tasks = { ...options.leaderTasks, ...rolloutTaskOf(options, late), ...own };
  const leading = { ...options, leaderTasks: tasks };
  const controller = isController(options) ? parts.use(await openServingController(leading)) : undefined;
  const follower = parts.use(openNodeFollower(options, controller));
  const topology = parts.use(
    controller === undefined ? topologyOfRegion(options, follower) : topologyOf(options, controller),
  );
  late.topology = topology;
  const { metrics, log } = options.env;
  metrics.fleetReportAge.with().read(() => (follower.status.heardMsAgo ?? -1_000) / 1_000);
  log.info("this node is part of a fleet", { region: options.node.region, controllers: controller?.address ?? "none" });
  const ended = parts.move();
  return {
    get status() {
      return follower.status;
    },
    address: controller?.address,
    topology,
    configured: () => follower.configured(),
    reportNow: () => follower.reportNow(),
    renew: (fleet) => controller?.renew(fleet),
    [Symbol.asyncDispose]: () => inTime(options.env.clock, ended.disposeAsync()),
  };
}

function samplingTaskOf({ walk, env }: FleetLinkOptions): LeaderTask {
  return samplingTask({
    config: () => walk.status.running,
    log: env.log,
    tell: (news) => tellSpent(env.log, news),
  });
}

/** Undefined: the fleet has no store in which its config could be. */
function rolloutTaskOf(
  { rollouts, env }: FleetLinkOptions,
  late: { readonly topology?: TopologySource },
): FleetLinkOptions["leaderTasks"] {
  if (rollouts === undefined) return {};
  const sample = async (signal: AbortSignal): Promise<FleetSample> =>
    late.topology === undefined ? NO_COLLECTORS : sampleCollectors(late.topology, { signal });
  const observer = rolloutObserver(env.metrics, env.log);
  return { [ROLLOUT_TASK]: rolloutTask({ place: rollouts, sample, log: env.log, observer }) };
}

function degradationTaskOf({ walk, env }: FleetLinkOptions): FleetLinkOptions["leaderTasks"] {
  const { log, metrics } = env;
  let load: number | undefined;
  metrics.degradationFleetLoad.with().read(() => load ?? 0);
  const measured = (now: number | undefined): void => void (load = now);
  return { degradation: degradationTask({ settings: () => degradationIn(walk.status.running), log, measured }) };
}

const NO_COLLECTORS: FleetSample = { collectors: [], silent: [] };

/** Who cannot be reached leads nobody. */
function isController({ node, env }: FleetLinkOptions): boolean {
  if (!node.roles.includes("controller")) return false;
  if (node.fleet.listen !== false) return true;
  const hint = "set node.fleet.listen, or leave controller out of node.roles";
  env.log.warn("this node stands for no election: its controller listens nowhere", { kind: "election", hint });
  return false;
}

/** While the store is away a node ends all the same: what it held is free when its lease ends. */
async function inTime(clock: Clock, leaving: Promise<void>): Promise<void> {
  const over = Promise.withResolvers<void>();
  const cancel = clock.after(LONGEST_LEAVE_MS, over.resolve);
  await Promise.race([leaving, over.promise]);
  cancel();
}

function topologyOfRegion(options: FleetLinkOptions, follower: NodeFollower): AsyncDisposable & TopologySource {
  return new RegionSource({
    region: options.node.region,
    controller: () => follower.status.controller,
    openLink: (to) => openLink(options, undefined, to),
  });
}

function topologyOf(options: FleetLinkOptions, serving: ServingController): AsyncDisposable & TopologySource {
  const registry = createRegistry(serving.place, { log: options.env.log });
  return new FleetTopology({
    id: serving.self.id,
    controller: serving.controller,
    controllers: async (call) => (await registry.list(call)).members,
    openLink: (to) => openLink(options, serving, to),
  });
}
