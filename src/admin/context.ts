import type { ConfigWalk } from "../control/apply.ts";
import type { SeatReader } from "../control/coordination/seats.ts";
import type { RequestedTransfer, RequestTransferOptions, TransferAsked } from "../control/region/request-transfer.ts";
import type { WriteDegradationOrder } from "../control/degradation/degradation-order.ts";
import type { NodeDegradation } from "../control/degradation/node-degradation.ts";
import type { SamplingSource } from "../control/sampling/sampling-source.ts";
import type { LoadMonitor } from "../control/load/load-monitor.ts";
import type { Topology } from "../control/topology/topology.ts";
import type { FollowerStatus } from "../control/fleet/follower.ts";
import type { OperatorStates } from "../control/operator-states.ts";
import type { FleetRollout } from "../control/rollout/fleet-rollout.ts";
import type { RouteTable } from "../control/route-table.ts";
import type { FleetConfigStatus } from "../control/truth/fleet-follower.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import type { Env } from "../telemetry/env.ts";
import type { Events } from "../telemetry/event-ring.ts";
import type { RuntimeMetrics } from "../telemetry/runtime.ts";

/** What does not change while a node runs. */
export interface NodeFacts {
  readonly id: string;
  readonly roles: readonly string[];
  readonly version: string;
  readonly pid: number;
  /** Clock.wallMs() */
  readonly startedMs: number;
  /** undefined when the config did not come from a file. */
  readonly configFile: string | undefined;
}

/** How a node is part of its fleet. */
export interface FleetStanding {
  /** Where its controller is reached; undefined: nowhere. */
  readonly address: string | undefined;
  readonly status: FollowerStatus;
}

/** Gives a leadership to another, by asking whoever leads. */
export interface LeaderTransfer {
  transfer(asked: TransferAsked, options: RequestTransferOptions): Promise<RequestedTransfer>;
}

/** What the routes look at. */
export interface AdminContext {
  readonly facts: NodeFacts;
  readonly dataPlane: DataPlane;
  readonly walk: ConfigWalk;
  readonly table: RouteTable;
  readonly operators: OperatorStates;
  readonly seats: SeatReader & LeaderTransfer;
  readonly load: LoadMonitor;
  /** What of what comes is kept, and why. */
  readonly sampling: SamplingSource;
  readonly topology: Topology;
  /** What the node gives up. */
  readonly degradation: NodeDegradation;
  /**
   * Writes down what people want of the whole fleet; absent: the node shares no store with others.
   */
  readonly fleetDegradation?: WriteDegradationOrder | undefined;
  readonly env: Env;
  readonly runtime: RuntimeMetrics;
  /** The last lines of the log. */
  readonly events: Events;
  /** Where listeners are bound that are not the data plane's; undefined: they are not. */
  readonly ownAddresses: () => Readonly<Record<"admin" | "sampling_http" | "sampling_grpc", string | undefined>>;
  /** Why nothing can be taken, beside what the data plane says. */
  readonly notReady: () => readonly string[];
  /** Undefined: the config is the node's own. */
  readonly fleetConfig: () => FleetConfigStatus | undefined;
  /** How it stands to its controller; absent, or undefined: it is alone. */
  readonly fleetLink?: () => FleetStanding | undefined;
  /** The staged config of the fleet; absent: the config is the node's own. */
  readonly rollout?: FleetRollout | undefined;
  /** True from the first sign that the node is to stop. */
  readonly stopping: () => boolean;
}
