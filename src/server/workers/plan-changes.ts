import { RouterError } from "../../core/errors.ts";
import { InTurn } from "../../core/in-turn.ts";
import { bindTargets } from "../../plan/bind.ts";
import type { PreparedPlan } from "../../plan/data-plane.ts";
import type { Plan } from "../../plan/plan.ts";
import type { PlanData } from "../../plan/plan-data.ts";
import type { SecretReader } from "../../plan/secrets.ts";
import { SerializedPlan } from "./serialized-plan.ts";
import { SILENCE_MS } from "./ask-limits.ts";
import type { NumberedChange } from "./messages.ts";
import { refusalOf, SilentWorker, type WorkerLink } from "./worker-link.ts";

type BoundTargets = Pick<Plan, "targets">;

/** A worker as changes of the plan see it. */
export interface ChangedWorker {
  readonly index: number;
  readonly link: Pick<WorkerLink, "ask"> | undefined;
}

interface ChangedWorkers<Worker extends ChangedWorker> {
  /** Those that take connections. */
  readonly ready: readonly Worker[];
  /** Resolves when there is one, and after so long in any case. */
  someReady(withinMs: number): Promise<void>;
  /** Kills a worker whose process is still this one. Another is started in its place. */
  end(worker: Worker, link: NonNullable<Worker["link"]>, why: unknown): void;
}

/** What a change of the plan changes beside the workers. */
export interface PlanHost<Worker extends ChangedWorker> {
  readonly secrets: SecretReader;
  readonly workers: ChangedWorkers<Worker>;
  /** The node shuts down: nothing is changed any more. */
  isStopped(): boolean;
  /** It is about to run, and has to prove itself. */
  committed(plan: SerializedPlan): void;
  /** It is what workers are started with from now on, and what limits are shared by. */
  runs(plan: SerializedPlan): void;
  /** The node looks after these targets from now on. */
  targetsAre(bound: BoundTargets, plan: SerializedPlan): void;
  /** Brings a worker up to what is so by now. */
  update(link: NonNullable<Worker["link"]>): Promise<void>;
  /** Each has applied the plan that runs. */
  tookOver(): void;
}

/**
 * The plan that the workers of a node run. Whatever changes it waits for its turn: a change, from
 * its preparation until all have followed its decision, and a plan that is taken back, too. So no
 * worker is ever asked to prepare a plan while it holds another that is not decided.
 */
export class PlanChanges<Worker extends ChangedWorker> {
  readonly #host: PlanHost<Worker>;
  readonly #turns = new InTurn();
  #plan: SerializedPlan;
  #isPreparing = false;
  /** The number of the newest plan, also of one that was discarded. */
  #number: number;

  constructor(first: SerializedPlan, host: PlanHost<Worker>) {
    this.#plan = first;
    this.#number = first.number;
    this.#host = host;
  }

  /** What workers run, or are about to. */
  get plan(): SerializedPlan {
    return this.#plan;
  }

  async prepare(plan: PlanData): Promise<PreparedPlan> {
    this.#refuseStopped();
    if (this.#isPreparing) throw new RouterError("INTERNAL", "another change of the plan is prepared and not decided");
    this.#isPreparing = true;
    const over = await this.#turns.next();
    try {
      const bound = await bindTargets(plan, this.#host.secrets);
      const kept = new SerializedPlan(plan, ++this.#number);
      const prepared = await this.#prepareAll(kept);
      this.#refuseStopped();
      return {
        commit: () => this.#decide(over, () => this.#commit(kept, bound, prepared)),
        discard: () => this.#decide(over, () => discardAll(prepared)),
      };
    } catch (cause) {
      this.#isPreparing = false;
      over();
      throw cause;
    }
  }

  /** Who starts begins with this plan at once; who runs follows in turn. */
  takeBack(before: SerializedPlan): void {
    this.#runs(before);
    void this.#followBack(before);
  }

  #refuseStopped(): void {
    if (this.#host.isStopped()) throw new RouterError("SHUTDOWN", "the node shuts down");
  }

  #runs(plan: SerializedPlan): void {
    this.#plan = plan;
    this.#host.runs(plan);
  }

  async #decide(over: () => void, what: () => Promise<void>): Promise<void> {
    if (!this.#isPreparing) throw new RouterError("INTERNAL", "this change of the plan was decided already");
    this.#isPreparing = false;
    try {
      await what();
    } finally {
      over();
    }
  }

  /**
   * In all that run, or in none. Who is started again is waited for; where none comes, a plan that
   * ends all may be what runs, and this one its mend.
   */
  async #prepareAll(plan: SerializedPlan): Promise<PreparedWorker<Worker>[]> {
    const { workers } = this.#host;
    await workers.someReady(SILENCE_MS);
    const parts = workers.ready.flatMap((worker): PreparedWorker<Worker>[] => {
      return worker.link === undefined ? [] : [{ worker, link: worker.link }];
    });
    const change = plan.changeFrom(this.#plan);
    const asked = parts.map(({ link }) => prepareIn(link, plan, change));
    const results = await Promise.allSettled(asked);
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (refused.length === 0) return parts;
    for (const [i, { worker, link }] of parts.entries()) {
      const result = results[i];
      if (result?.status === "rejected" && result.reason instanceof SilentWorker)
        workers.end(worker, link, result.reason);
    }
    await discardAll(parts.filter((_, i) => results[i]?.status === "fulfilled"));
    throw refusalOf(refused);
  }

  /**
   * It is decided: who cannot follow is killed, and the one in its place begins with the new plan.
   */
  async #commit(plan: SerializedPlan, bound: BoundTargets, parts: readonly PreparedWorker<Worker>[]): Promise<void> {
    const { workers } = this.#host;
    this.#refuseStopped();
    this.#host.committed(plan);
    this.#runs(plan);
    this.#host.targetsAre(bound, plan);
    const commits = parts.map(async ({ worker, link }) => {
      try {
        await link.ask("commit", null, SILENCE_MS);
      } catch (cause) {
        workers.end(worker, link, cause);
      }
    });
    await Promise.all(commits);
    // Who was started with the plan of before, and ran only when all others had prepared this one.
    await this.#follow(workers.ready.filter(({ link }) => parts.every((part) => part.link !== link)));
    this.#host.tookOver();
  }

  async #followBack(plan: SerializedPlan): Promise<void> {
    const over = await this.#turns.next();
    try {
      // It could be bound once; where it cannot any more, targets that it alone has are decided
      // about by each worker for itself.
      const bound = await bindTargets(plan.data, this.#host.secrets).catch(() => undefined);
      if (this.#plan !== plan || this.#host.isStopped()) return;
      if (bound !== undefined) this.#host.targetsAre(bound, plan);
      await this.#follow(this.#host.workers.ready);
      this.#host.tookOver();
    } finally {
      over();
    }
  }

  /** Those that run, and were not told of what is so by now. */
  async #follow(all: readonly Worker[]): Promise<void> {
    const following = all.map(async (worker) => {
      const { link } = worker;
      if (link === undefined) return;
      try {
        await this.#host.update(link);
      } catch (cause) {
        if (!this.#host.isStopped()) this.#host.workers.end(worker, link, cause); // else it drains
      }
    });
    await Promise.all(following);
  }
}

/** A worker that has prepared a change. */
interface PreparedWorker<Worker extends ChangedWorker> {
  readonly worker: Worker;
  readonly link: NonNullable<Worker["link"]>;
}

/** By what differs from what it runs, or else, by all of it. */
async function prepareIn(
  link: Pick<WorkerLink, "ask">,
  plan: SerializedPlan,
  change: NumberedChange | undefined,
): Promise<void> {
  if (change !== undefined && (await link.ask("change", change, SILENCE_MS))) return;
  await link.ask("prepare", plan.whole, SILENCE_MS);
}

/** Who is gone has nothing to discard. */
async function discardAll(parts: readonly PreparedWorker<ChangedWorker>[]): Promise<void> {
  await Promise.allSettled(parts.map(({ link }) => link.ask("discard", null, SILENCE_MS)));
}
