import type { CollectorLimits } from "../control/fleet/messages.ts";
import type { FleetNode, FleetNodes } from "./fleet-view.ts";

/**
 * Of `GET /api/v1/limits?fleet=true`: items a second, but `shed`, which is items since the start.
 */
interface FleetLimitsView {
  readonly regions: readonly RegionLimitsView[];
  readonly nodes: readonly NodeLimitsView[];
  readonly left_out: number;
}

interface PartView {
  readonly asked: number;
  readonly granted: number;
  readonly offered: number;
  readonly used: number;
  readonly shed: number;
}

interface RegionLimitsView extends PartView {
  readonly region: string;
  readonly collectors: number;
}

interface NodeLimitsView {
  readonly id: string;
  readonly region: string;
  /** Null: nothing is limited there, or it does not say. */
  readonly part: PartView | null;
  readonly stale: boolean;
}

/** What each node asks for, was granted and uses of the limit of everything together. */
export function fleetLimitsView({ nodes, leftOut }: FleetNodes): FleetLimitsView {
  const names = [...new Set(nodes.map(({ node }) => node.region))];
  return {
    regions: names.map((region) =>
      regionView(
        region,
        nodes.filter(({ node }) => node.region === region),
      ),
    ),
    nodes: nodes.map(({ node, isStale }) => ({
      id: node.id,
      region: node.region,
      part: node.limits === null ? null : partOf(node.limits),
      stale: isStale,
    })),
    left_out: leftOut,
  };
}

function regionView(region: string, nodes: readonly FleetNode[]): RegionLimitsView {
  const parts = nodes.flatMap(({ node }) => (node.limits === null ? [] : [partOf(node.limits)]));
  const sum = (of: keyof PartView): number => Number(parts.reduce((all, one) => all + one[of], 0).toFixed(2));
  return {
    region,
    collectors: nodes.length,
    asked: sum("asked"),
    granted: sum("granted"),
    offered: sum("offered"),
    used: sum("used"),
    shed: sum("shed"),
  };
}

function partOf({ wanted: asked, granted, offered, used, shed }: CollectorLimits): PartView {
  return { asked, granted, offered, used, shed };
}
