import type {
  DropSample,
  DataPlane,
  DataPlaneStatus,
  LeavingPool,
  OperatorState,
  OperatorWish,
  Readiness,
  Undeliverable,
  ShutdownReport,
} from "../../src/plan/data-plane.ts";
import type { Explanation, ExplainRequest } from "../../src/plan/explanation.ts";
import type { Plan } from "../../src/plan/plan.ts";

/** A data plane that does what the test says and remembers what it was asked. It moves no data. */
export class ScriptedDataPlane implements DataPlane {
  plan: Plan;
  readonly applied: Plan[] = [];
  readonly graces: number[] = [];
  readonly wishes = new Map<string, OperatorState>();
  disposed = false;
  /** What `apply` does; throws to refuse. */
  onApply: (plan: Plan) => Promise<void> = async () => {};
  /** What `shutdown` waits for. */
  drain: Promise<void> = Promise.resolve();
  left: readonly LeavingPool[] = [];
  down: readonly Undeliverable[] = [];
  readiness: Readiness = { ready: true, reason: "" };
  report: ShutdownReport = { drained: true, tookMs: 1, leftItems: 0, leftBytes: 0 };

  constructor(plan: Plan) {
    this.plan = plan;
  }

  async apply(plan: Plan): Promise<void> {
    await this.onApply(plan);
    this.applied.push(plan);
    this.plan = plan;
  }

  status(): DataPlaneStatus {
    const targets = [...this.plan.targets.values()].map((target) => ({
      id: target.id,
      endpoint: target.url,
      state: this.wishes.get(target.id)?.state ?? ("ready" as const),
      reason: "start",
      sinceMs: 1_700_000_000_000,
      nextTryMs: undefined,
      inFlight: 1,
      window: 16,
      latencyMs: undefined,
      paused: undefined,
      refuses: [],
      errorRate: 0,
      learnedMaxBytes: undefined,
      region: target.region,
      weight: target.weight,
      share: 1,
      score: 0,
      note: this.wishes.get(target.id)?.note ?? "",
      untilMs: this.wishes.get(target.id)?.untilMs,
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
    const addresses = { otlpGrpc: "127.0.0.1:1111", otlpHttp: undefined };
    return { addresses, inFlight: { requests: 3, bytes: 4 }, pools, targets };
  }

  operate(id: string, wish: OperatorWish): boolean {
    if (!this.plan.targets.has(id)) return false;
    this.wishes.set(id, { id, ...wish });
    if (wish.state === "ready") this.wishes.delete(id);
    return true;
  }

  operatorStates(): readonly OperatorState[] {
    return [...this.wishes.values()];
  }

  renew(): void {}

  drops(): readonly DropSample[] {
    return [];
  }

  explain({ signal }: ExplainRequest): Explanation {
    const { version, digest } = this.plan;
    return { version, digest, signal, refusal: null, total_items: 0, items: [] };
  }

  async explainAside(request: ExplainRequest): Promise<Explanation> {
    return this.explain(request);
  }

  undeliverable(): readonly Undeliverable[] {
    return this.down;
  }

  leaving(): readonly LeavingPool[] {
    return this.left;
  }

  ready(): Readiness {
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
