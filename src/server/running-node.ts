import type { LeaderTransfer } from "../admin/context.ts";
import type { ConfigWalk } from "../control/apply.ts";
import type { SeatReader } from "../control/coordination/seats.ts";
import type { LoadMonitor } from "../control/load/load-monitor.ts";
import type { FleetRollout } from "../control/rollout/fleet-rollout.ts";
import type { RouteTable } from "../control/route-table.ts";
import type { Topology } from "../control/topology/topology.ts";
import type { ConfigValidator } from "../control/truth/published-document.ts";
import type { Clock } from "../core/clock.ts";
import type { Rest } from "../core/collect.ts";
import type { Random } from "../core/random.ts";
import type { Strategies } from "../data/balance/strategies.ts";
import type { DataPlane, ShutdownReport } from "../plan/data-plane.ts";
import type { ListenOptions } from "../plan/listen-options.ts";
import type { LimitHolding } from "../plan/limits/limit-ask.ts";
import type { PlanData } from "../plan/plan-data.ts";
import type { SecretReader } from "../plan/secrets.ts";
import type { Env } from "../telemetry/env.ts";
import type { RootLog } from "../telemetry/log.ts";
import type { NodeAddresses } from "./node-addresses.ts";
import type { ConfigSource } from "./config-source.ts";
import type { EarlyWorkers } from "./workers/early-workers.ts";

export interface StartOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Its level and format follow the config. */
  readonly log: RootLog;
  /** Where the config came from. With a file, changes to it are applied while the node runs. */
  readonly source: ConfigSource;
  /**
   * Beside those of the config's plugins, for pools with
   * `strategy: { type: plugin, name, options }`.
   */
  readonly strategies?: Strategies;
  /** Processes for the data plane where the config says nothing of them; default: 0. */
  readonly workers?: number;
  /** Processes of workers that have begun already; those that are left are whose they were. */
  readonly early?: Pick<EarlyWorkers, "take">;
  readonly openDataPlane?: OpenDataPlane;
  /** What else is to be true of a config that is published to the node's fleet from here. */
  readonly validators?: readonly ConfigValidator[];
  /**
   * Told when a config was applied, and again when none has followed for a while: for a process
   * that wants to give back what the work took. Must not throw.
   */
  readonly settled?: (rest: Rest) => void;
  /** This process carries no data, and may take a second for a long document. */
  readonly unhurried?: boolean;
}

export type OpenDataPlane = (
  plan: PlanData,
  listen: ListenOptions,
  env: Env,
  options: {
    readonly secrets: SecretReader;
    readonly strategies: Strategies | undefined;
    /** There where the limits of its plans are other nodes', too. */
    readonly limitHolding: LimitHolding | undefined;
  },
) => Promise<DataPlane>;

/** A whole node. Disposing it is `stop` with the grace of the config. */
export interface RunningNode extends AsyncDisposable {
  readonly addresses: NodeAddresses;
  readonly env: Env;
  readonly dataPlane: DataPlane;
  readonly walk: ConfigWalk;
  /** What runs, what ran, and every way to change it. */
  readonly table: RouteTable;
  /** What the node carries, what it has carried, and what is to be expected. */
  readonly load: LoadMonitor;
  /** Regions, their collectors and members, and the best to send to: of its fleet, or itself. */
  readonly topology: Topology;
  /** Who leads and who has which lock, as the node's store says, and to give a lead to another. */
  readonly seats: SeatReader & LeaderTransfer;
  /** The staged config of its fleet; undefined: the config is the node's own. */
  readonly rollout: FleetRollout | undefined;
  /** Reads the config file now, changed or not. Does nothing without a file. */
  reload(): Promise<void>;
  /**
   * Not ready, stop accepting, drain for at most the grace, close. A second call returns the first
   * one's promise.
   */
  stop(): Promise<ShutdownReport>;
}
