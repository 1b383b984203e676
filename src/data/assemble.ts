import { turnEnd } from "../core/turn-end.ts";
import type { ListenOptions } from "../plan/listen-options.ts";
import { bindPlan } from "../plan/bind.ts";
import type { Plan, TargetPlan } from "../plan/plan.ts";
import type { LimitHolding } from "../plan/limits/limit-ask.ts";
import type { PlanData } from "../plan/plan-data.ts";
import type { SecretReader } from "../plan/secrets.ts";
import type { CheckPlan } from "../plan/target-health.ts";
import type { Env } from "../telemetry/env.ts";
import { createRssReader } from "../telemetry/rss.ts";
import { type Admission, createAdmission } from "./admit/admission.ts";
import type { PanicTeller } from "./balance/panic-report.ts";
import type { Strategies } from "./balance/strategies.ts";
import { Pipeline } from "./pipeline.ts";
import { openClient } from "./export/client.ts";
import type { TargetClient } from "./export/target-client.ts";
import { openTargets } from "./export/targets.ts";
import type { Check } from "./health/check.ts";
import type { HealthReporter } from "./health/target-news.ts";
import type { ToldTarget } from "./health/told-health.ts";
import { openCheck } from "./health/checks/open-check.ts";
import { ALL_OF_IT, type PartOfLimit } from "./node-limits/node-limit.ts";
import { Losses } from "./queue/losses.ts";
import { createRepartitioner } from "./route/repartition.ts";
import { CurrentStrategies, pluginEditions } from "./balance/plugins.ts";
import { requestSplitter } from "./queue/split-parcel.ts";
import { Pools } from "./queue/pools.ts";
import { Records } from "./queue/records.ts";
import { SparseSweep } from "./queue/sparse-sweep.ts";
import { MemberBoard } from "./resolve/member-board.ts";
import { createNodeResolver } from "./resolve/node-resolver.ts";
import type { Resolver } from "./resolve/resolver.ts";
import type { RequestHandler } from "./receive/request-handler.ts";
import { openListeners } from "./receive/open-listeners.ts";
import { RuleRerouter } from "./reroute.ts";
import { receiveOptions } from "./receive/listeners.ts";
import { NodeDataPlane } from "./node-data-plane.ts";
import { NodeGuard } from "./sample/node-guard.ts";
import { RandomnessCounts } from "./sample/randomness-counts.ts";
import { prepareStrategies } from "./prepare-plan.ts";

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
  const receiveEnv = { ...env, admission, handler, dataPlane };
  const listeners = parts.use(await openListeners(receiveOptions(listen), receiveEnv));
  dataPlane.own(listeners, parts.move());
  return dataPlane;
}

export interface DataPlaneOptions {
  /** What plans are bound with. */
  readonly secrets: SecretReader;
  readonly strategies?: Strategies | undefined;
  /** That of the operating system without one. */
  readonly resolver?: Resolver | undefined;
  /** Where its node has several data planes: of how many it is one, and what it may use. */
  readonly partOf?: PartOfLimit;
  readonly processes?: number;
  /** The limits of the plan are others', too: nothing is let in before some is granted. */
  readonly limitHolding?: LimitHolding | undefined;
  /** In a worker: hears what calls tell of targets, whose health is decided elsewhere. */
  readonly reporter?: HealthReporter;
  readonly panicTellerOf?: (pool: string) => PanicTeller;
  /** And what is decided so far. */
  readonly told?: readonly ToldTarget[];
}

interface CoreOptions extends DataPlaneOptions {
  /** `off`: no target is asked anything until something is sent. */
  readonly checks: "run" | "off";
  /** Gets what has to be closed, in order. */
  readonly parts: AsyncDisposableStack;
}

/** A data plane without the part that listens. */
interface Core {
  readonly dataPlane: NodeDataPlane;
  readonly admission: Admission;
  readonly handler: RequestHandler;
}

/** Opens everything but listeners; `dataPlane.own` is the caller's to call. */
export async function openCore(
  data: PlanData,
  limits: ListenOptions["limits"],
  env: Env,
  { checks, secrets, strategies: given, parts, partOf = ALL_OF_IT, processes = 1, ...options }: CoreOptions,
): Promise<Core> {
  const plan = await bindPlan(data, secrets);
  env.metrics.pluginEditions.with().read(pluginEditions);
  const strategies = new CurrentStrategies(await prepareStrategies(plan, env, given));
  const members = new MemberBoard();
  const targets = openNodeTargets(plan, env, { checks, partOf, members, ...options });
  const losses = new Losses(env);
  const records = new Records({ ledger: env.ledger, losses });
  const poolsEnv = {
    ...env,
    records,
    region: plan.nodeRegion,
    schedule: turnEnd.schedule,
    splitter: requestSplitter,
    repartitioner: createRepartitioner(env.metrics),
    strategies,
    partOf,
    ...(options.panicTellerOf !== undefined && { panicTellerOf: options.panicTellerOf }),
    rerouter: new RuleRerouter(() => dataPlane.assembly),
  };
  const pools = parts.use(new Pools(plan, targets, poolsEnv));
  const admission = createAdmission(limits, { ...env, rssBytes: createRssReader(), partOf, processes });
  const { arena } = admission;
  parts.use(new SparseSweep({ ...env, arena, records, pools, moved: env.metrics.arenaMovedOut.with() }));
  const guard = new NodeGuard(env.clock);
  const randomness = new RandomnessCounts();
  env.metrics.samplingGuard.with().read(() => (guard.rate() < 1 ? 1 : 0));
  const opened = { plan, pools, strategies, secrets, given, admission, members, ...options };
  const dataPlane = new NodeDataPlane({ ...opened, env: { ...env, losses, records, guard, randomness } });
  admission.heedLinks(() => dataPlane.assembly.headers);
  return { dataPlane, admission, handler: new Pipeline(() => dataPlane.assembly, env.clock, admission.guard, arena) };
}

function openNodeTargets(
  plan: Plan,
  env: Env,
  {
    checks,
    partOf = ALL_OF_IT,
    resolver = createNodeResolver(env.clock),
    members,
    ...options
  }: Omit<CoreOptions, "secrets" | "parts"> & { readonly members: MemberBoard },
): ReturnType<typeof openTargets> {
  const openOwnCheck = (check: CheckPlan, current: () => TargetPlan, client: TargetClient): Check =>
    openCheck(check, current, client, env);
  const targets = openTargets(plan.targets, {
    ...env,
    openClient: (current) => openClient(current, env),
    resolver,
    members,
    partOf,
    ...(options.reporter !== undefined && { reporter: options.reporter }),
    ...(checks === "run" && options.reporter === undefined && { openCheck: openOwnCheck }),
  });
  if (options.told !== undefined) targets.obey(options.told, 0, true);
  return targets;
}
