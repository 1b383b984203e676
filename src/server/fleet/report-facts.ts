import type { NodeFacts } from "../../admin/context.ts";
import type { ConfigWalk } from "../../control/apply.ts";
import type { ReportFacts } from "../../control/fleet/follower-ports.ts";
import type { CollectorConfig } from "../../control/fleet/messages.ts";
import { NO_LOAD } from "../../control/load/load-report.ts";
import type { LoadMonitor } from "../../control/load/load-monitor.ts";
import { digestOf } from "../../control/fleet/directive.ts";

/** The highest `schema` of documents that this version reads. */
export const SCHEMA_MAX = 1;

export interface ReportSources {
  readonly facts: Pick<NodeFacts, "version">;
  readonly addresses: () => Readonly<Record<string, string>>;
  readonly load: Pick<LoadMonitor, "capacity" | "newest">;
  readonly walk: Pick<ConfigWalk, "status">;
  readonly acknowledged?: () => CollectorConfig | undefined;
}

/** What a node tells its controller of itself. */
export function reportFacts({ facts, addresses, load, walk, acknowledged }: ReportSources): ReportFacts {
  const { atMs: _atMs, ...newest } = load.newest ?? { atMs: 0, ...NO_LOAD };
  return {
    version: facts.version,
    addresses: addresses(),
    tags: {},
    capacity: { items_per_second: load.capacity.items_per_second },
    load: newest,
    health: { state: "healthy", reason: "" },
    config: acknowledged?.() ?? { version: walk.status.version, digest: digestOf(walk.status.text), result: "running" },
    schema_max: SCHEMA_MAX,
  };
}
