import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { NodeConfig } from "../config/schema/config.ts";
import type { ConfigWalk } from "../control/apply.ts";
import { type SpendFile, spendFile } from "../control/sampling/stored-spend.ts";
import { FleetSampling } from "../control/sampling/fleet-sampling.ts";
import { LocalSampling } from "../control/sampling/local-sampling.ts";
import { ReceivedReader } from "../control/sampling/received-reader.ts";
import { SamplingGauges, tellSpent } from "../control/sampling/sampling-metrics.ts";
import { SamplingNode } from "../control/sampling/sampling-node.ts";
import { readReceived, type ReceivedBy, type SamplingSource } from "../control/sampling/sampling-source.ts";
import type { SpendRecords, StrategyNews } from "../control/sampling/spend-book.ts";
import { reasonOf } from "../core/errors.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import type { StrategyStatus } from "../plan/sampling/budget-state.ts";
import type { SamplingState } from "../plan/sampling-plan.ts";
import type { DirectiveMark } from "../control/fleet/directive.ts";
import type { RecipePlace } from "../store/recipes/place.ts";
import type { Env } from "../telemetry/env.ts";

/** The sampling of a node, from here on until it is disposed of. */
export interface NodeSampler extends AsyncDisposable, SamplingSource {
  readonly node: SamplingNode;
  /** Undefined: it is its own. */
  readonly fleet: FleetSampling | undefined;
  /** The node has counted this. */
  seen(snapshot: Snapshot): void;
}

export interface NodeSamplerOptions {
  /** Its own settings; a change of them takes a restart. */
  readonly node: NodeConfig;
  /** Its fleet decides; else the node does by itself. */
  readonly isInFleet: boolean;
  readonly walk: Pick<ConfigWalk, "status">;
  readonly dataPlane: Pick<DataPlane, "direct">;
  /** Where it keeps what was spent. */
  readonly dataDir: string | undefined;
  /** Where its fleet has what regions receive; undefined: it cannot be asked. */
  readonly shared?: RecipePlace | undefined;
  readonly env: Env;
}

const SPEND_FILE = "sampling-spend.json";

/** Nothing is decided before the first of what was counted is seen. */
export async function openNodeSampling(options: NodeSamplerOptions): Promise<NodeSampler> {
  const { node: own, isInFleet, walk, dataDir, env } = options;
  const config = (): ConfigWalk["status"]["running"] => walk.status.running;
  const node = new SamplingNode({ region: own.region, config, direct: teller(options) });
  const file = spendFile(dataDir === undefined ? undefined : join(dataDir, SPEND_FILE), env.log);
  return new OpenSampler({ options, node, file, spent: isInFleet ? {} : await file.read() });
}

interface OpenedSampling {
  readonly options: NodeSamplerOptions;
  readonly node: SamplingNode;
  readonly file: SpendFile;
  readonly spent: SpendRecords;
}

class OpenSampler implements NodeSampler {
  readonly node: SamplingNode;
  readonly fleet: FleetSampling | undefined;
  readonly #env: Env;
  readonly #gauges: SamplingGauges;
  readonly #reader: ReceivedReader;
  readonly #local: LocalSampling | undefined;
  readonly #shared: RecipePlace | undefined;
  #writing = Promise.resolve();

  constructor({ options, node, file, spent }: OpenedSampling) {
    const { node: own, isInFleet, walk, env } = options;
    const run = randomUUID();
    [this.node, this.#env, this.#shared] = [node, env, options.shared];
    this.#gauges = new SamplingGauges(env.metrics);
    this.#reader = new ReceivedReader(run);
    this.fleet = isInFleet ? new FleetSampling({ ...env, node }) : undefined;
    const local = {
      clock: env.clock,
      region: own.region,
      run,
      node,
      config: () => walk.status.running,
      spent,
      keep: (records: SpendRecords) => void (this.#writing = this.#writing.then(() => file.write(records))),
      tell: (news: StrategyNews) => tellSpent(env.log, news),
    };
    this.#local = isInFleet ? undefined : new LocalSampling(local);
  }

  get mark(): DirectiveMark | undefined {
    return this.fleet?.mark;
  }

  get isInFleet(): boolean {
    return this.fleet !== undefined;
  }

  async received(signal: AbortSignal): Promise<ReceivedBy> {
    const shared = this.fleet === undefined ? undefined : this.#shared;
    if (shared === undefined) return { of: "node", rows: this.node.received };
    return { of: "fleet", rows: await readReceived(shared, signal) };
  }

  get strategies(): readonly StrategyStatus[] {
    return this.#local?.decider.strategies ?? this.node.directive?.strategies ?? [];
  }

  seen(snapshot: Snapshot): void {
    const nowMs = this.#env.clock.nowMs();
    const reading = this.#reader.read(snapshot, nowMs);
    if (this.#local === undefined) this.node.read(reading, nowMs);
    else this.#local.read(reading);
    const [stage, classes] = [this.node.stage(nowMs), this.node.classes(nowMs)];
    this.#gauges.show({ stage, classes, strategies: this.strategies });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#local?.close();
    await this.#writing;
  }
}

/** What cannot be told now is told with the next change, or in some seconds. */
function teller({ dataPlane, env }: NodeSamplerOptions): (state: SamplingState) => void {
  return (state) =>
    void dataPlane.direct(state).catch((cause: unknown) =>
      env.log.limited("sampling-direct", 60_000)?.warn("the data plane does not take what is to be kept", {
        reason: reasonOf(cause),
      }),
    );
}
