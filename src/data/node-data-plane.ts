import type { MemberBoard } from "./resolve/member-board.ts";
import type { Socket } from "node:net";
import { RouterError } from "../core/errors.ts";
import { EventStream } from "../core/event-stream.ts";
import type { ListenerKind } from "../core/listener-kinds.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { SIGNALS } from "../otlp/signal.ts";
import type {
  DataPlane,
  DataPlaneEvent,
  DataPlaneStatus,
  DropSample,
  LeavingPool,
  OperatorState,
  OperatorOverride,
  PreparedPlan,
  Readiness,
  ShutdownReport,
  Undeliverable,
} from "../plan/data-plane.ts";
import type { Explanation, ExplainRequest } from "../plan/explanation.ts";
import { bindPlan } from "../plan/bind.ts";
import { DEGRADATION_STEPS, type GivenUp, NOTHING_GIVEN_UP } from "../plan/degradation-plan.ts";
import type { Plan } from "../plan/plan.ts";
import type { FoundMembers } from "../plan/members.ts";
import type { PlanData } from "../plan/plan-data.ts";
import type { SamplingState } from "../plan/sampling-plan.ts";
import type { SecretReader } from "../plan/secrets.ts";
import { takeSnapshot, takeSummary } from "../telemetry/snapshot.ts";
import type { LimitsAsk, LimitsGrant } from "../plan/limits/limit-ask.ts";
import type { RandomnessSeen } from "../plan/sampling/randomness-check.ts";
import type { LimitsUsage } from "../plan/limits/limit-shares.ts";
import type { Admission } from "./admit/admission.ts";
import { type Assembly, assemble } from "./assembly.ts";
import type { LaneFailoverState } from "./balance/failover-state.ts";
import type { Strategies } from "./balance/strategies.ts";
import { explain, explainInSteps } from "./explain/explain.ts";
import type { ThresholdOf } from "./explain/explain-sampling.ts";
import type { TargetHandle } from "./export/target-port.ts";
import type { ToldTenants } from "./health/told-health.ts";
import { CurrentStrategies } from "./balance/plugins.ts";
import { NodeLimiter } from "./limit/node-limiter.ts";
import { limitUses, takeLimits } from "./node-limits/limit-uses.ts";
import type { KeyLoad } from "./queue/key-load.ts";
import type { LimitUse } from "./node-limits/node-limit.ts";
import { Pools } from "./queue/pools.ts";
import type { Listeners } from "./receive/open-listeners.ts";
import { poolStatus, targetStatus } from "./status.ts";
import { renewedTls } from "./receive/listeners.ts";
import type { OpenedParts } from "./opened-parts.ts";
import { stopParts } from "./stop.ts";
import { prepareStrategies } from "./prepare-plan.ts";

/**
 * So many times a rule is asked about an item for one explanation that is made beside the data:
 * about a second's work.
 */
const MAX_ASKED = 250_000;
/** The data plane of a node; made by `openCore` only. */
export class NodeDataPlane implements DataPlane {
  /** The one mutable variable of the walk: a request reads it once. */
  assembly: Assembly;
  /** What control said last of sampling. */
  #directed: SamplingState | undefined;
  #givenUp = NOTHING_GIVEN_UP;
  readonly #pools: Pools;
  readonly #strategies: CurrentStrategies;
  readonly #secrets: SecretReader;
  readonly #given: Strategies | undefined;
  readonly #admission: Admission;
  readonly #members: MemberBoard;
  readonly #limiter: NodeLimiter;
  readonly #env: OpenedParts["env"];
  #listeners: Listeners | undefined;
  #owned: AsyncDisposableStack | undefined;
  #shutdown: Promise<ShutdownReport> | undefined;
  /** A change is prepared, or about to be, and not decided. */
  #isPreparing = false;

  constructor({ plan, pools, strategies, secrets, given, admission, members, limitHolding, env }: OpenedParts) {
    this.#members = members;
    this.#pools = pools;
    this.#strategies = strategies;
    this.#secrets = secrets;
    this.#given = given;
    this.#admission = admission;
    this.#env = env;
    this.#limiter = new NodeLimiter(env, limitHolding);
    this.assembly = assemble(plan, pools.live, this.#env, () => this.#limiter.adopt(plan.limits));
    this.#makeRoom(plan);
  }

  get plan(): Plan {
    return this.assembly.plan;
  }

  /** None: what ends this data plane ends its process. */
  readonly events = new EventStream<DataPlaneEvent>();

  /** By id; another map after a change of the plan. */
  get targets(): ReadonlyMap<string, TargetHandle> {
    return this.#pools.targets;
  }

  /** Told once what it closes when it ends. */
  own(listeners: Listeners | undefined, parts: AsyncDisposableStack): void {
    this.#listeners = listeners;
    this.#owned = parts;
  }

  /** In a worker: takes the node's health of targets; see Targets. */
  obey(...told: Parameters<Pools["obey"]>): void {
    this.#pools.obey(...told);
  }

  /** A tenant was asked away from a target, as another worker was told. */
  obeyTenants(told: ToldTenants): void {
    this.#pools.obeyTenants(told);
  }

  /** A connection that another process has accepted. False when there is no such listener. */
  take(listener: ListenerKind, socket: Socket): boolean {
    const taker = this.#listeners?.byKind.get(listener);
    taker?.take(socket);
    return taker !== undefined;
  }

  /** Asks a sender to come back with another connection. */
  async retireOldest(listener: ListenerKind): Promise<boolean> {
    return this.#listeners?.byKind.get(listener)?.retireOldest() ?? false;
  }

  async prepare(data: PlanData): Promise<PreparedPlan> {
    this.#refuseStopped();
    if (this.#isPreparing) throw new RouterError("INTERNAL", "another change of the plan is prepared and not decided");
    this.#isPreparing = true;
    try {
      const plan = await bindPlan(data, this.#secrets, this.plan);
      const strategies = await prepareStrategies(plan, this.#env, this.#given);
      this.#refuseStopped();
      return {
        commit: async () => this.#decide(() => this.#swap(plan, strategies)),
        discard: async () => this.#decide(() => undefined),
      };
    } catch (cause) {
      this.#isPreparing = false;
      throw cause;
    }
  }

  async renew(listen: Parameters<DataPlane["renew"]>[0]): Promise<void> {
    this.#listeners?.renew(renewedTls(listen));
  }

  async status(): Promise<DataPlaneStatus> {
    return this.statusNow();
  }

  /** As `status`, for whoever is in the same process. */
  statusNow(): DataPlaneStatus {
    const pools = [...this.#pools.live.values()];
    return {
      version: this.plan.version,
      workers: [],
      addresses: Object.fromEntries(Array.from(this.#listeners?.byKind ?? [], ([kind, at]) => [kind, formatBound(at)])),
      inFlight: { requests: this.#admission.inFlightRequests, bytes: this.#admission.inFlightBytes },
      pools: pools.map((pool) =>
        poolStatus(pool, { plan: this.plan, targets: this.#pools.targets, losses: this.#env.losses }),
      ),
      // All of them until it has ended; none afterwards.
      targets: [...this.plan.targets.keys()].flatMap((id) => {
        const handle = this.#pools.targets.get(id);
        return handle === undefined ? [] : [targetStatus(handle, this.#env.clock, this.#env.losses.ofTarget(id))];
      }),
    };
  }

  async ready(): Promise<Readiness> {
    return this.readiness;
  }

  get readiness(): Readiness {
    if (this.#shutdown !== undefined) return { ready: false, reason: "shutting down" };
    if (this.#pools.live.size === 0) return { ready: false, reason: "no pool is configured: nothing can be delivered" };
    return { ready: true, reason: "" };
  }

  async undeliverable(): Promise<readonly Undeliverable[]> {
    return SIGNALS.flatMap((signal) => {
      const { pools } = this.plan.routes[signal];
      const down = pools.filter(({ chain }) => {
        return chain.every((index) => this.#pools.live.get(pools[index]!.name)?.usable(signal) !== true);
      });
      return down.map(({ name }) => ({ pool: name, signal }));
    });
  }

  async discovered(found: readonly FoundMembers[]): Promise<void> {
    if (this.#shutdown === undefined) this.#members.tell(found);
  }

  async leaving(): Promise<readonly LeavingPool[]> {
    const held = this.#pools.retiring.filter(({ heldItems }) => heldItems > 0);
    return held.map(({ name: pool, heldItems: items, heldBytes: bytes }) => ({ pool, items, bytes }));
  }

  async operate(id: string, override: OperatorOverride): Promise<boolean> {
    const target = this.plan.targets.has(id) ? this.#pools.targets.get(id) : undefined;
    target?.operate(override);
    return target !== undefined;
  }

  get sampling(): SamplingState | undefined {
    return this.#directed;
  }

  async direct(sampling: SamplingState): Promise<void> {
    this.#directed = sampling;
    this.#env.guard.bind(sampling.bound);
    this.#obeyControl();
  }

  async degrade(givenUp: GivenUp): Promise<void> {
    this.#givenUp = givenUp;
    this.#admission.guard.degradation.obey(givenUp);
    this.#obeyControl();
  }

  async limits(mostKeys: number): Promise<LimitsUsage | undefined> {
    return this.#limiter.usage(mostKeys);
  }

  async limitAsk(): Promise<LimitsAsk | undefined> {
    return this.limitAskNow();
  }

  /** As `limitAsk`, for whoever is in the same process. */
  limitAskNow(): LimitsAsk | undefined {
    return this.#limiter.ask();
  }

  limitGranted(grant: LimitsGrant, sentMs: number): void {
    this.#limiter.granted(grant, sentMs);
  }

  async operatorStates(): Promise<readonly OperatorState[]> {
    return [...this.plan.targets.keys()].flatMap((id) => {
      const override = this.#pools.targets.get(id)?.override();
      return override === undefined ? [] : [{ id, ...override }];
    });
  }

  async drops(): Promise<readonly DropSample[]> {
    return this.#env.losses.samples;
  }

  async randomness(): Promise<readonly RandomnessSeen[]> {
    return this.#env.randomness.seen;
  }

  async explain(request: ExplainRequest): Promise<Explanation> {
    const rules = this.plan.routes[request.signal].rules.length;
    const maxItems = Math.min(request.maxItems, Math.max(1, Math.floor(MAX_ASKED / Math.max(1, rules))));
    const steps = explainInSteps(this.#explained(), { ...request, maxItems });
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      await new Promise(setImmediate);
    }
  }

  /**
   * As `explain`, in one go, and of all the items that are asked for: for whoever is in the same
   * process.
   */
  explainNow(request: ExplainRequest): Explanation {
    return explain(this.#explained(), request);
  }

  /** What it does with the limits of its node, at this moment. */
  limitUses(): LimitUse[] {
    return limitUses(this.#limited());
  }

  /** What `partOf` says may be different. */
  limitsChanged(): void {
    takeLimits(this.#limited());
  }

  /** Of its pools that divide by key, what other processes of its node have to know. */
  keyLoads(): KeyLoad[] {
    return Array.from(this.#pools.live.values()).flatMap((pool) => {
      const lanes = pool.keyLoad();
      return lanes === undefined ? [] : [{ pool: pool.name, lanes }];
    });
  }

  /** What the others have. */
  learnKeyLoad({ pool, lanes }: KeyLoad): void {
    this.#pools.live.get(pool)?.learnKeyLoad(lanes);
  }

  /** Where its failovers stand. */
  failovers(): LaneFailoverState[] {
    return Array.from(this.#pools.live.values()).flatMap((pool) => pool.failovers());
  }

  /** Another process of its node is there. */
  followFailover(failover: LaneFailoverState): void {
    this.#pools.live.get(failover.pool)?.followFailover(failover);
  }

  async snapshot(): Promise<Snapshot> {
    return takeSnapshot(this.#env);
  }

  async summary(): Promise<Snapshot> {
    return takeSummary(this.#env);
  }

  shutdown(graceMs: number): Promise<ShutdownReport> {
    this.#shutdown ??= this.#stop(graceMs);
    return this.#shutdown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown(0);
  }

  #refuseStopped(): void {
    if (this.#shutdown !== undefined) throw new RouterError("SHUTDOWN", "the node shuts down");
  }

  #decide(what: () => void): void {
    if (!this.#isPreparing) throw new RouterError("INTERNAL", "this change of the plan was decided already");
    this.#isPreparing = false;
    what();
  }

  /** What was told of sampling, and what is given up. */
  #obeyControl(): void {
    const givesUpCopies = this.#givenUp.level >= DEGRADATION_STEPS.noCopies;
    for (const signal of SIGNALS) {
      const { sampler, router } = this.assembly.pipelines[signal];
      sampler?.obey(this.#directed, this.#givenUp);
      router.givesUpCopies = givesUpCopies;
    }
  }

  /** Marks make spans longer. */
  #makeRoom({ sampling }: Plan): void {
    this.#admission.arena.takesMore = sampling?.routes.traces !== undefined;
  }

  #swap(plan: Plan, strategies: Strategies): void {
    this.#refuseStopped();
    const before = this.#strategies.swap(strategies); // nothing else runs from here to the assignment
    try {
      this.#pools.update(plan, () => {
        this.assembly = assemble(plan, this.#pools.live, this.#env, () => this.#limiter.adopt(plan.limits));
        this.#makeRoom(plan);
        this.#obeyControl();
      });
    } catch (cause) {
      // Nothing of this should fail. If it does, what runs goes on as it was: pools and targets by
      // the plan of before.
      this.#strategies.swap(before);
      this.#pools.update(this.plan);
      throw cause;
    }
  }

  /** Also pools that are gone from the plan: they still send, within the same limits. */
  #limited(): Parameters<typeof limitUses>[0] {
    const { live, retiring, targets } = this.#pools;
    return { admission: this.#admission, pools: [...live.values(), ...retiring], targets: targets.values() };
  }

  #explained(): Parameters<typeof explain>[0] {
    const { live: pools, targets } = this.#pools;
    const { pipelines } = this.assembly;
    const limiter = this.#limiter.current;
    const thresholdOf: ThresholdOf = (signal, name) => pipelines[signal].sampler?.thresholdOf(name);
    return { plan: this.plan, pools, targets, clock: this.#env.clock, thresholdOf, limiter };
  }

  async #stop(graceMs: number): Promise<ShutdownReport> {
    const [admission, pools, env] = [this.#admission, this.#pools, this.#env];
    try {
      return await stopParts({ admission, pools, env, listeners: this.#listeners, owned: this.#owned }, graceMs);
    } finally {
      this.events.close();
    }
  }
}

function formatBound({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
