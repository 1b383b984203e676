import { OWN_MEMORY } from "../core/arena/extent.ts";
import { seededRandom } from "../core/random.ts";
import { createSteppedClock, type SteppedClock } from "../core/stepped-clock.ts";
import type { Signal } from "../otlp/signal.ts";
import type { Explanation, ExplainRequest } from "../plan/explanation.ts";
import type { Plan } from "../plan/plan.ts";
import { headersOf } from "../plan/sender-headers.ts";
import type { Env } from "../telemetry/env.ts";
import { createLedger } from "../telemetry/ledger.ts";
import { createLog } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { assemble } from "./assembly.ts";
import { Pipeline } from "./pipeline.ts";
import { explain } from "./explain/explain.ts";
import type { TargetClient } from "./export/target-client.ts";
import type { SendOutcome } from "./send-outcome.ts";
import { openTargets } from "./export/targets.ts";
import { Limiter } from "./limit/limiter.ts";
import { NO_LOSSES } from "./queue/losses.ts";
import { createRepartitioner } from "./route/repartition.ts";
import { loadPlugins } from "./balance/plugins.ts";
import { requestSplitter } from "./queue/split-parcel.ts";
import { Pools } from "./queue/pools.ts";
import { Records } from "./queue/records.ts";

/**
 * Fails with CONFIG_INVALID for plugins that cannot be loaded. The same plan and requests give the
 * same picks.
 */
export async function openDryRun(plan: Plan): Promise<DryRun> {
  const clock = createSteppedClock();
  const log = createLog({ clock, write: () => undefined, level: "error", format: "json", colour: false });
  const env = { clock, random: seededRandom(1), log, metrics: createMetrics(), ledger: createLedger() };
  return new DryRun(plan, env, await loadPlugins(plan, env.random));
}

const ACCEPTED: SendOutcome = { kind: "accepted", rejected: 0, message: "" };
const DEADLINE_MS = 10_000;

/**
 * A data plane without a network: its targets take everything at once, and its time moves only with
 * what is sent.
 */
export class DryRun implements AsyncDisposable {
  readonly plan: Plan;
  /** Items that targets have taken so far, by target; copies count. */
  readonly byTarget = new Map<string, number>();
  readonly #clock: SteppedClock;
  readonly #env: Env;
  readonly #pools: Pools;
  readonly #pipeline: Pipeline;
  /** All of the limits, of which nothing is used. */
  readonly #limiter: Limiter | undefined;
  #scheduled: (() => void)[] = [];

  constructor(
    plan: Plan,
    env: Env & { readonly clock: SteppedClock },
    strategies: Awaited<ReturnType<typeof loadPlugins>>,
  ) {
    this.plan = plan;
    this.#env = env;
    this.#clock = env.clock;
    const openClient = (current: () => { readonly id: string }): TargetClient => this.#openClient(current);
    const records = new Records({ ledger: env.ledger, losses: NO_LOSSES });
    this.#pools = new Pools(plan, openTargets(plan.targets, { ...env, openClient }), {
      ...env,
      region: plan.nodeRegion,
      schedule: (run) => void this.#scheduled.push(run),
      records,
      splitter: requestSplitter,
      repartitioner: createRepartitioner(env.metrics),
      strategies,
    });
    // It tells where items go, which sampling has no part in: none of them is to be missing.
    const assembly = assemble({ ...plan, sampling: undefined }, this.#pools.live, {
      ...env,
      losses: NO_LOSSES,
      records,
    });
    this.#pipeline = new Pipeline(() => assembly, env.clock);
    this.#limiter = plan.limits && new Limiter(plan.limits, env, false);
  }

  /** Items that rules have taken or copied so far, by rule. */
  get byRule(): ReadonlyMap<string, number> {
    const rules = new Map<string, number>();
    for (const { rule, received, copied } of this.#env.ledger.snapshot()) {
      rules.set(rule, (rules.get(rule) ?? 0) + received + copied);
    }
    return rules;
  }

  explain(request: ExplainRequest): Explanation {
    const { live: pools, targets } = this.#pools;
    const limiter = this.#limiter;
    return explain({ plan: this.plan, pools, targets, clock: this.#clock, limiter }, request);
  }

  /** Sends a request through the pipeline. `region` is that of the listener. */
  send(signal: Signal, bytes: Uint8Array, region: string, headers?: ExplainRequest["headers"]): void {
    const receivedMs = this.#clock.nowMs();
    const head = {
      signal,
      method: "grpc",
      region,
      peer: "",
      headers: headersOf(headers),
      receivedMs,
      deadlineMs: receivedMs + DEADLINE_MS,
    } as const;
    this.#pipeline.handle({ head, bytes, owner: OWN_MEMORY, rejected: 0, message: "" }, { replied: () => undefined }); // the tallies tell what became of it
    this.#step(1);
  }

  /** Lets what waits for a batch to fill leave. */
  finish(): void {
    this.#step(1 + Math.max(0, ...[...this.plan.pools.values()].map(({ batch }) => batch.maxWaitMs)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#pools[Symbol.asyncDispose]();
    this.#settle();
    await closed;
  }

  #step(ms: number): void {
    this.#settle();
    this.#clock.step(ms);
    this.#settle();
  }

  #settle(): void {
    while (this.#scheduled.length > 0) {
      const runs = this.#scheduled;
      this.#scheduled = [];
      for (const run of runs) run();
    }
  }

  /** Answers at the end of the turn: a client never does from within `send`. */
  #openClient(current: () => { readonly id: string }): TargetClient {
    return {
      send: ({ items }, _timeoutMs, done) => {
        const { id } = current();
        this.byTarget.set(id, (this.byTarget.get(id) ?? 0) + items);
        this.#scheduled.push(() => done(ACCEPTED));
        return () => undefined;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
}
