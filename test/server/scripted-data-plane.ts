import type {
  DropSample,
  DataPlane,
  DataPlaneEvent,
  DataPlaneStatus,
  LeavingPool,
  OperatorState,
  OperatorOverride,
  PreparedPlan,
  Readiness,
  Undeliverable,
  ShutdownReport,
} from "../../src/plan/data-plane.ts";
import { EventStream } from "../../src/core/event-stream.ts";
import type { Snapshot } from "../../src/core/snapshot.ts";
import type { Explanation, ExplainRequest } from "../../src/plan/explanation.ts";
import { bindPlan } from "../../src/plan/bind.ts";
import type { FoundMembers } from "../../src/plan/members.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { PlanData } from "../../src/plan/plan-data.ts";
import type { LimitsUsage } from "../../src/plan/limits/limit-shares.ts";
import type { GivenUp } from "../../src/plan/degradation-plan.ts";
import type { SamplingState } from "../../src/plan/sampling-plan.ts";
import type { SecretReader } from "../../src/plan/secrets.ts";
import type { Env } from "../../src/telemetry/env.ts";
import { takeSnapshot } from "../../src/telemetry/snapshot.ts";

/** A data plane that does what the test says and remembers what it was asked. It moves no data. */
export class ScriptedDataPlane implements DataPlane {
  plan: Plan;
  readonly applied: Plan[] = [];
  readonly discarded: Plan[] = [];
  readonly graces: number[] = [];
  readonly directed: SamplingState[] = [];
  readonly degraded: GivenUp[] = [];
  readonly overrides = new Map<string, OperatorState>();
  readonly #secrets: SecretReader;
  readonly #env: Pick<Env, "metrics" | "ledger">;
  readonly events = new EventStream<DataPlaneEvent>();
  disposed = false;
  /** What `prepare` does; throws to refuse. */
  onPrepare: (plan: Plan) => Promise<void> = async () => {};
  /** What `commit` does; throws when it breaks. */
  onCommit: (plan: Plan) => Promise<void> = async () => {};
  /** What `shutdown` waits for. */
  drain: Promise<void> = Promise.resolve();
  left: readonly LeavingPool[] = [];
  down: readonly Undeliverable[] = [];
  readiness: Readiness = { ready: true, reason: "" };
  report: ShutdownReport = { drained: true, tookMs: 1, leftItems: 0, leftBytes: 0 };

  constructor(plan: Plan, secrets: SecretReader, env: Pick<Env, "metrics" | "ledger">) {
    this.plan = plan;
    this.#secrets = secrets;
    this.#env = env;
  }

  async prepare(data: PlanData): Promise<PreparedPlan> {
    const plan = await bindPlan(data, this.#secrets);
    await this.onPrepare(plan);
    const commit = async (): Promise<void> => {
      await this.onCommit(plan);
      this.applied.push(plan);
      this.plan = plan;
    };
    return { commit, discard: async () => void this.discarded.push(plan) };
  }

  /** All that it was told of members of the fleet. */
  readonly found: (readonly FoundMembers[])[] = [];

  async discovered(found: readonly FoundMembers[]): Promise<void> {
    this.found.push(found);
  }

  async status(): Promise<DataPlaneStatus> {
    const targets = [...this.plan.targets.values()].map((target) => ({
      id: target.id,
      endpoint: target.url,
      state: this.overrides.get(target.id)?.state ?? ("ready" as const),
      reason: "start",
      sinceMs: 1_700_000_000_000,
      nextTryMs: undefined,
      inFlight: 1,
      window: 16,
      latencyMs: undefined,
      latencyCalls: 0,
      paused: undefined,
      refuses: [],
      errorRate: 0,
      learnedMaxBytes: undefined,
      region: target.region,
      weight: target.weight,
      share: 1,
      score: 0,
      note: this.overrides.get(target.id)?.note ?? "",
      untilMs: this.overrides.get(target.id)?.untilMs,
      addresses: [],
      check: undefined,
      losses: undefined,
    }));
    const pools = [...this.plan.pools.values()].map(({ name, strategy, targets: ids, fallback }) => ({
      name,
      strategy: strategy.type,
      targets: ids,
      fallback,
      queuedBytes: 10,
      queuedItems: 2,
      inFlight: 1,
      usable: 1,
      losses: undefined,
    }));
    const addresses = { otlp_grpc: "127.0.0.1:1111" };
    return { version: this.plan.version, workers: [], addresses, inFlight: { requests: 3, bytes: 4 }, pools, targets };
  }

  async operate(id: string, override: OperatorOverride): Promise<boolean> {
    if (!this.plan.targets.has(id)) return false;
    this.overrides.set(id, { id, ...override });
    if (override.state === "ready") this.overrides.delete(id);
    return true;
  }

  get sampling(): SamplingState | undefined {
    return this.directed.at(-1);
  }

  async direct(sampling: SamplingState): Promise<void> {
    this.directed.push(sampling);
  }

  async limits(): Promise<LimitsUsage | undefined> {
    return undefined;
  }

  async degrade(givenUp: GivenUp): Promise<void> {
    this.degraded.push(givenUp);
  }

  async limitAsk(): Promise<undefined> {
    return undefined;
  }

  limitGranted(): void {}

  async operatorStates(): Promise<readonly OperatorState[]> {
    return [...this.overrides.values()];
  }

  async renew(): Promise<void> {}

  async summary(): Promise<Snapshot> {
    return await this.snapshot();
  }

  async snapshot(): Promise<Snapshot> {
    return takeSnapshot(this.#env);
  }

  async randomness(): Promise<readonly []> {
    return [];
  }

  async drops(): Promise<readonly DropSample[]> {
    return [];
  }

  async explain({ signal }: ExplainRequest): Promise<Explanation> {
    const { version, digest } = this.plan;
    return { version, digest, signal, refusal: null, total_items: 0, items: [] };
  }

  async undeliverable(): Promise<readonly Undeliverable[]> {
    return this.down;
  }

  async leaving(): Promise<readonly LeavingPool[]> {
    return this.left;
  }

  async ready(): Promise<Readiness> {
    return this.readiness;
  }

  async shutdown(graceMs: number): Promise<ShutdownReport> {
    this.graces.push(graceMs);
    await this.drain;
    return this.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
  }
}
