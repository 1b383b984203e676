import type { NodeFacts } from "../../admin/context.ts";
import type { NodeConfig } from "../../config/schema/config.ts";
import type { ConfigWalk } from "../../control/apply.ts";
import type { ConfigReconcilerOptions } from "../../control/fleet/config-reconciler.ts";
import type { CollectorConfig } from "../../control/fleet/messages.ts";
import type { LeaderTask } from "../../control/global/global-controller.ts";
import type { LoadMonitor } from "../../control/load/load-monitor.ts";
import type { NodeDegradation } from "../../control/degradation/node-degradation.ts";
import type { FleetSampling } from "../../control/sampling/fleet-sampling.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { DataPlane } from "../../plan/data-plane.ts";
import type { Env } from "../../telemetry/env.ts";
import type { SavedMembers } from "./saved-members.ts";

export interface OpenFleetStore extends AsyncDisposable {
  readonly place: RecipePlace;
}

/** Without a forecast nobody is told what it expects. */
type LoadToReport = Partial<Pick<LoadMonitor, "forecast">> & Pick<LoadMonitor, "capacity" | "counters" | "newest">;

/** What a node is to its fleet, and what of it its controller hears. */
export interface FleetLinkOptions {
  readonly node: NodeConfig;
  readonly facts: Pick<NodeFacts, "id" | "version">;
  readonly env: Env;
  readonly memory: FleetMemory;
  /** Opens the store; it is closed again. A controller keeps it for as long as it runs. */
  readonly openStore: () => Promise<OpenFleetStore>;
  readonly load: LoadToReport;
  /** Obeys what the leader says of the fleet's; absent: nobody does. */
  readonly degradation?: Pick<NodeDegradation, "directed" | "status">;
  readonly walk: Pick<ConfigWalk, "status">;
  readonly dataPlane: Pick<DataPlane, "discovered" | "limitAsk" | "limitGranted" | "limits" | "ready">;
  /** What it keeps of what comes, as its fleet decides; absent: nothing. */
  readonly sampling?: FleetSampling | undefined;
  /** Members that were found before a restart; it is closed with the link. */
  readonly savedMembers?: SavedMembers;
  /** Where this node takes data, by listener. */
  readonly addresses: () => Readonly<Record<string, string>>;
  /** Applies a version of the fleet's config; absent: this node has its own. */
  readonly follow?: ConfigReconcilerOptions["follow"];
  /** A document that is here already, by its digest. */
  readonly textOf?: (digest: string) => string | undefined;
  /** Asks the store for it, where no controller tells it. Throws the signal's reason alone. */
  readonly followStore?: (signal: AbortSignal) => Promise<void>;
  /** What the store says is not to be believed: it has gone back, for example. */
  readonly isIsolated?: () => boolean;
  /** What it does besides, by name, while it leads the whole fleet. */
  readonly leaderTasks: Readonly<Record<string, LeaderTask>>;
  /** Where the fleet has its config, which may be staged; absent: nowhere. */
  readonly rollouts?: RecipePlace | undefined;
  /** What came of the newest version that it was told of; absent: what runs is all it knows. */
  readonly acknowledged?: () => CollectorConfig | undefined;
  /** SHA-256 of a document; of that which runs it is known. */
  readonly digestOf: (text: string) => string;
}
