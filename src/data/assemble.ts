import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createSecureContext } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { reasonOf, RouterError } from "../core/errors.ts";
import { EventStream } from "../core/event-stream.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { SIGNALS } from "../otlp/signal.ts";
import type {
  DataPlane,
  DataPlaneEvent,
  DataPlaneStatus,
  DropSample,
  LeavingPool,
  ListenOptions,
  OperatorState,
  OperatorOverride,
  PreparedPlan,
  Readiness,
  ShutdownReport,
  Undeliverable,
} from "../plan/data-plane.ts";
import type { Explanation, ExplainRequest } from "../plan/explanation.ts";
import { bindPlan } from "../plan/bind.ts";
import type { Plan, TargetPlan } from "../plan/plan.ts";
import type { PlanData } from "../plan/plan-data.ts";
import type { SecretReader } from "../plan/secrets.ts";
import type { CheckPlan } from "../plan/target-health.ts";
import type { Env } from "../telemetry/env.ts";
import { createRssReader } from "../telemetry/rss.ts";
import { takeSnapshot } from "../telemetry/snapshot.ts";
import { type Admission, createAdmission } from "./admit/admission.ts";
import { type Assembly, assemble } from "./assembly.ts";
import type { Strategies } from "./balance/strategies.ts";
import { Pipeline } from "./pipeline.ts";
import { explain, explainInSteps } from "./explain/explain.ts";
import { openClient } from "./export/client.ts";
import type { TargetHandle } from "./export/target-port.ts";
import type { TargetClient } from "./export/target-client.ts";
import { openTargets, type TargetsEnv } from "./export/targets.ts";
import type { Check } from "./health/check.ts";
import { openCheck } from "./health/checks/open-check.ts";
import { type Losses, openLosses } from "./queue/losses.ts";
import { createRepartitioner } from "./route/repartition.ts";
import { CurrentStrategies, loadPlugins, pluginEditions } from "./balance/plugins.ts";
import { cutParcel } from "./queue/cut-parcel.ts";
import type { Parcel } from "./queue/parcel.ts";
import { Pools } from "./queue/pools.ts";
import { Records } from "./queue/records.ts";
import type { Moved } from "./queue/removed.ts";
import { createNodeResolver } from "./resolve/node-resolver.ts";
import type { Resolver } from "./resolve/resolver.ts";
import type { RequestHandler } from "./receive/request-handler.ts";
import { type Listeners, openListeners } from "./receive/open-listeners.ts";
import { reroute } from "./reroute.ts";
import { poolStatus, targetStatus } from "./status.ts";
import { receiveOptions, renewedTls } from "./receive/listeners.ts";

/**
 * So many times a rule is asked about an item for one explanation that is made beside the data:
 * about a second's work.
 */
const MAX_ASKED = 250_000;
/**
 * When the grace has ended, what is left is answered; the answers are waited for no longer than
 * this.
 */
const LAST_REPLIES_MS = 1_000;

/**
 * Opens the data plane on a plan, downstream first: targets, pools, stages, and the listeners last.
 * `strategies` are there beside those of the plan's plugins.
 */
export async function openDataPlane(
  plan: PlanData,
  listen: ListenOptions,
  env: Env,
  options: DataPlaneOptions,
): Promise<NodeDataPlane> {
  await using parts = new AsyncDisposableStack();
  const { dataPlane, admission, handler } = await openCore(plan, listen.limits, env, {
    ...options,
    checks: "run",
    parts,
  });
  const serving = (): boolean => dataPlane.readiness.ready;
  const listeners = parts.use(await openListeners(receiveOptions(listen), { ...env, admission, handler, serving }));
  dataPlane.own(listeners, parts.move());
  return dataPlane;
}

export interface DataPlaneOptions {
  /** What plans are bound with. */
  readonly secrets: SecretReader;
  readonly strategies?: Strategies | undefined;
  /** That of the operating system without one. */
  readonly resolver?: Resolver | undefined;
  /** Without it, targets are checked from here. */
  readonly openCheck?: TargetsEnv["openCheck"];
  /** Ids of targets that are out of order, as is known from before. */
  readonly doubted?: ReadonlySet<string>;
}

export interface CoreOptions extends DataPlaneOptions {
  /** `off`: no target is asked anything until something is sent. */
  readonly checks: "run" | "off";
  /** Gets what has to be closed, in order. */
  readonly parts: AsyncDisposableStack;
}

/** A data plane without the part that listens. */
export interface Core {
  readonly dataPlane: NodeDataPlane;
  readonly admission: Admission;
  readonly handler: RequestHandler;
}

/** Opens everything but listeners; `dataPlane.own` is the caller's to call. */
export async function openCore(
  data: PlanData,
  limits: ListenOptions["limits"],
  env: Env,
  { checks, secrets, strategies: given, parts, ...options }: CoreOptions,
): Promise<Core> {
  const plan = await bindPlan(data, secrets);
  env.metrics.pluginEditions.with().read(pluginEditions);
  const strategies = new CurrentStrategies(await prepareStrategies(plan, env, given));
  const targets = openNodeTargets(plan, env, { checks, ...options });
  const losses = openLosses(env);
  const records = new Records({ ledger: env.ledger, losses });
  const poolsEnv = {
    ...env,
    records,
    region: plan.nodeRegion,
    schedule: setImmediate,
    cut: cutParcel,
    repartitioner: createRepartitioner(env.metrics),
    strategies,
    reroute: (parcel: Parcel, removed: string, moved: Moved) => {
      reroute(parcel, removed, dataPlane.assembly, moved);
    },
  };
  const pools = parts.use(new Pools(plan, targets, poolsEnv));
  const admission = createAdmission(limits, { ...env, rssBytes: createRssReader() });
  const dataPlane = new NodeDataPlane({
    plan,
    pools,
    strategies,
    secrets,
    given,
    admission,
    env: { ...env, losses, records },
  });
  return { dataPlane, admission, handler: new Pipeline(() => dataPlane.assembly, env.clock, admission.guard) };
}

function openNodeTargets(
  plan: Plan,
  env: Env,
  { checks, resolver = createNodeResolver(env.clock), ...options }: Omit<CoreOptions, "secrets" | "parts">,
): ReturnType<typeof openTargets> {
  const openOwnCheck = (check: CheckPlan, current: () => TargetPlan, client: TargetClient): Check =>
    openCheck(check, current, client, env);
  return openTargets(plan.targets, {
    ...env,
    openClient: (current) => openClient(current, env),
    resolver,
    ...(options.doubted !== undefined && { doubted: options.doubted }),
    ...(checks === "run" && { openCheck: options.openCheck ?? openOwnCheck }),
  });
}

/**
 * What can fail in taking over a plan: throws TLS_INVALID for certificates that the TLS library
 * does not take, and CONFIG_INVALID for plugins that cannot be loaded.
 */
function prepareStrategies(plan: Plan, { random }: Env, given: Strategies | undefined): Promise<Strategies> {
  for (const target of plan.targets.values()) checkTls(target);
  return loadPlugins(plan, random, given);
}

function checkTls({ id, tls }: TargetPlan): void {
  if (tls === undefined) return;
  const { ca, cert, key } = tls;
  const steps = [
    ["ca", ca && { ca }],
    ["cert", cert && { cert }],
    ["key", key && { key }],
    ["key", cert && key && { cert, key }],
  ] as const;
  for (const [name, options] of steps) {
    try {
      if (options) createSecureContext(options);
      if (name === "ca" && ca) void new X509Certificate(ca); // a context takes anything as an authority
    } catch (cause) {
      const hint = "ca, cert and key are PEM, and the key is that of the certificate";
      throw new RouterError("TLS_INVALID", `targets[].tls.${name} of target ${id}: ${reasonOf(cause)}`, {
        cause,
        hint,
      });
    }
  }
}

interface OpenedParts {
  readonly plan: Plan;
  readonly pools: Pools;
  readonly strategies: CurrentStrategies;
  readonly secrets: SecretReader;
  /** There with every plan. */
  readonly given: Strategies | undefined;
  readonly admission: Admission;
  readonly env: Env & { readonly losses: Losses; readonly records: Records };
}

/** The data plane of a node; made by `openCore` only. */
export class NodeDataPlane implements DataPlane {
  /** The one mutable variable of the walk: a request reads it once. */
  assembly: Assembly;
  readonly #pools: Pools;
  readonly #strategies: CurrentStrategies;
  readonly #secrets: SecretReader;
  readonly #given: Strategies | undefined;
  readonly #admission: Admission;
  readonly #env: OpenedParts["env"];
  #listeners: Listeners | undefined;
  #owned: AsyncDisposableStack | undefined;
  #shutdown: Promise<ShutdownReport> | undefined;
  /** A change is prepared, or about to be, and not decided. */
  #isPreparing = false;

  constructor({ plan, pools, strategies, secrets, given, admission, env }: OpenedParts) {
    this.#pools = pools;
    this.#strategies = strategies;
    this.#secrets = secrets;
    this.#given = given;
    this.#admission = admission;
    this.#env = env;
    this.assembly = assemble(plan, pools.live, this.#env);
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

  /** A connection that another process has accepted. False when there is no such listener. */
  take(listener: "otlp_grpc" | "otlp_http", socket: Socket): boolean {
    const taker = listener === "otlp_grpc" ? this.#listeners?.grpc : this.#listeners?.http;
    taker?.take(socket);
    return taker !== undefined;
  }

  /** Asks a sender over gRPC to come back with another connection. */
  async retireOldest(): Promise<boolean> {
    return this.#listeners?.grpc?.retireOldest() ?? false;
  }

  async prepare(data: PlanData): Promise<PreparedPlan> {
    this.#refuseStopped();
    if (this.#isPreparing) throw new RouterError("INTERNAL", "another change of the plan is prepared and not decided");
    this.#isPreparing = true;
    try {
      const plan = await bindPlan(data, this.#secrets);
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
    const { grpc, http } = this.#listeners ?? {};
    const pools = [...this.#pools.live.values()];
    return {
      version: this.plan.version,
      workers: [],
      addresses: { otlpGrpc: grpc && formatBound(grpc), otlpHttp: http && formatBound(http) },
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

  async leaving(): Promise<readonly LeavingPool[]> {
    const held = this.#pools.retiring.filter(({ heldItems }) => heldItems > 0);
    return held.map(({ name: pool, heldItems: items, heldBytes: bytes }) => ({ pool, items, bytes }));
  }

  async operate(id: string, override: OperatorOverride): Promise<boolean> {
    const target = this.plan.targets.has(id) ? this.#pools.targets.get(id) : undefined;
    target?.operate(override);
    return target !== undefined;
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

  async snapshot(): Promise<Snapshot> {
    return takeSnapshot(this.#env);
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

  #swap(plan: Plan, strategies: Strategies): void {
    this.#refuseStopped();
    const before = this.#strategies.swap(strategies); // nothing else runs from here to the assignment
    try {
      this.#pools.update(plan, () => {
        this.assembly = assemble(plan, this.#pools.live, this.#env);
      });
    } catch (cause) {
      // Nothing of this should fail. If it does, what runs goes on as it was: pools and targets by
      // the plan of before.
      this.#strategies.swap(before);
      this.#pools.update(this.plan);
      throw cause;
    }
  }

  #explained(): Parameters<typeof explain>[0] {
    const { live: pools, targets } = this.#pools;
    return { plan: this.plan, pools, targets, clock: this.#env.clock };
  }

  async #stop(graceMs: number): Promise<ShutdownReport> {
    const { clock } = this.#env;
    const startedMs = clock.nowMs();
    const endMs = startedMs + graceMs;
    this.#admission.stop("the node shuts down");
    const pools = this.#pools;
    const answered = this.#listeners?.drain(graceMs + LAST_REPLIES_MS) ?? Promise.resolve();
    const leaving = pools.drain(endMs); // at once: nothing waits for a batch to fill any more
    await within(clock, graceMs, answered);
    await leaving;
    await pools.drain(endMs); // what had been received only in part
    const held = [...pools.live.values(), ...pools.retiring];
    const leftBytes = held.reduce((sum, pool) => sum + pool.heldBytes, 0);
    const leftItems = held.reduce((sum, pool) => sum + pool.heldItems, 0);
    await pools[Symbol.asyncDispose](); // whoever still waits is told to try again, before the connections close
    this.#env.losses[Symbol.dispose]();
    await answered;
    await this.#owned?.disposeAsync();
    this.events.close();
    const [leak] = this.#admission.inFlightRequests === 0 ? this.#admission.arena.leaks : [];
    if (leak !== undefined) throw new RouterError("INTERNAL", `arena: ${leak.extents} of ${leak.owner} not given back`);
    return { drained: leftBytes === 0, tookMs: clock.nowMs() - startedMs, leftItems, leftBytes };
  }
}

/** Resolves with the work, or after this time, whichever comes first. */
async function within(clock: Clock, timeMs: number, work: Promise<void>): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const cancel = clock.after(timeMs, timer.resolve);
  await Promise.race([work, timer.promise]);
  cancel();
}

function formatBound({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
