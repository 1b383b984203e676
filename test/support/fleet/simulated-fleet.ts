import type { CollectorSample, FleetSample } from "../../../src/control/rollout/collector-sample.ts";
import { candidateDirective } from "../../../src/control/rollout/rollout-task.ts";
import { wantedOf } from "../../../src/control/fleet/config-reconciler.ts";
import type { ConfigCandidate } from "../../../src/store/recipes/config-candidate-record.ts";

/** A node of a simulated fleet: it does what it is told, at once. */
export interface SimulatedNode {
  readonly id: string;
  readonly region: string;
  incarnation: string;
  isLive: boolean;
  version: number;
  refuses: number | undefined;
  attempted: number;
  failed: number;
  waiting: number;
  requests: number;
  refused: number;
  reportMs: number;
}

export const BASE = 7;
export const TRIED = 9;

/** A config as it was staged. */
export function stagedCandidate(more: Partial<ConfigCandidate> = {}): ConfigCandidate {
  return {
    version: TRIED,
    sha256: "a".repeat(64),
    bytes: 5,
    base: BASE,
    state: "running",
    paused: false,
    pausedBy: "",
    pausedMs: null,
    again: false,
    stage: "node",
    passed: [],
    nodes: [],
    region: "",
    lost: 0,
    left: 0,
    validForMs: 120_000,
    epoch: "",
    createdMs: 0,
    startedMs: 0,
    by: "ann",
    note: "",
    reason: "",
    told: false,
    windows: [],
    rolledBack: [],
    ...more,
  };
}

/** Nodes by regions: `{ eu: 3 }` has eu-0, eu-1 and eu-2. */
export function simulatedNodes(regions: Readonly<Record<string, number>>): SimulatedNode[] {
  return Object.entries(regions).flatMap(([region, count]) =>
    Array.from({ length: count }, (_, at) => ({
      id: `${region}-${at}`,
      region,
      incarnation: "one",
      isLive: true,
      version: BASE,
      refuses: undefined,
      attempted: 0,
      failed: 0,
      waiting: 0,
      requests: 0,
      refused: 0,
      reportMs: 5_000,
    })),
  );
}

/** What nodes do when they hear of it. */
export function obey(nodes: readonly SimulatedNode[], candidate: ConfigCandidate, refusing: ReadonlySet<string>): void {
  for (const node of nodes) {
    const directive = { version: BASE, sha256: "b".repeat(64), candidate: candidateDirective(candidate) };
    const wanted = wantedOf(directive, node);
    if (wanted.triedFor !== undefined && refusing.has(node.id)) node.refuses = wanted.version;
    else [node.version, node.refuses] = [wanted.version, undefined];
  }
}

export function sampleOfFleet(
  nodes: readonly SimulatedNode[],
  silent: readonly string[] = [],
  left: ReadonlySet<string> = new Set(),
): FleetSample {
  const collectors = nodes
    .filter(({ region }) => !silent.includes(region))
    .map((node): CollectorSample => ({ ...node, isHealthy: true, reason: "no such pool", itemsPerSecond: 1_000 }));
  return { collectors, silent, left };
}
