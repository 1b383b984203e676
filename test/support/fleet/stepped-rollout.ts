import assert from "node:assert/strict";
import { startOf } from "../../../src/control/rollout/collector-sample.ts";
import { type RolloutStep, type StageMemory, stepRollout } from "../../../src/control/rollout/rollout-step.ts";
import type { ConfigCandidate } from "../../../src/store/recipes/config-candidate-record.ts";
import {
  BASE,
  obey,
  sampleOfFleet,
  type SimulatedNode,
  simulatedNodes,
  stagedCandidate,
  TRIED,
} from "./simulated-fleet.ts";

const LOOK_MS = 5_000;

/** One that is looked at each five seconds by a leader, over simulated nodes. */
export class Rollout {
  readonly nodes: SimulatedNode[];
  candidate = stagedCandidate();
  memory: StageMemory = {};
  nowMs = 100_000;
  epoch = "1.5";
  ledMs = 100_000;
  runs = BASE;
  isPromoted = false;
  /** Items that a node ends in a second; of those that try it, and of the others. */
  perSecond = 1_000;
  failing = { tried: 0, others: 0 };
  refusing = new Set<string>();
  silent: string[] = [];
  left = new Set<string>();

  constructor(regions: Readonly<Record<string, number>>) {
    this.nodes = simulatedNodes(regions);
  }

  refresh(): RolloutStep {
    const at = { nowMs: this.nowMs, wallMs: this.nowMs, epoch: this.epoch, ledMs: this.ledMs, runs: this.runs };
    const step = stepRollout(this.candidate, this.memory, sampleOfFleet(this.nodes, this.silent, this.left), at);
    [this.candidate, this.memory] = [step.candidate, step.memory];
    this.isPromoted ||= step.isPromoted;
    obey(this.nodes, this.candidate, this.refusing);
    return step;
  }

  /** The first that tries it. */
  get canary(): SimulatedNode {
    const found = this.nodes.find(({ version }) => version === TRIED);
    assert.ok(found !== undefined, "nobody tries it");
    return found;
  }

  /** Another start of a node, which runs what all run. */
  restart(node: SimulatedNode, how: "crashed" | "stopped"): void {
    if (how === "stopped") this.left.add(startOf(node));
    Object.assign(node, { incarnation: `after ${node.incarnation}`, version: BASE, attempted: 0, failed: 0 });
  }

  /** So much time, with a look each five seconds. */
  pass(seconds: number): this {
    for (let at = 0; at < seconds; at += LOOK_MS / 1_000) {
      this.nowMs += LOOK_MS;
      this.ledMs += LOOK_MS;
      for (const node of this.nodes) {
        const items = (this.perSecond * LOOK_MS) / 1_000;
        node.attempted += items;
        node.failed += items * (node.version === TRIED ? this.failing.tried : this.failing.others);
      }
      this.refresh();
    }
    return this;
  }

  get tried(): string {
    return this.nodes.flatMap(({ id, version }) => (version === TRIED ? [id] : [])).join();
  }
}

export function shortly({ state, stage, passed }: ConfigCandidate): string {
  return `${state} ${stage} [${passed.join()}]`;
}
