import type { Cancel, Clock } from "../../core/clock.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { NodeLimit } from "../../data/node-limits/node-limit.ts";
import { RETRIES_A_SECOND } from "../../data/queue/retry-policy.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { IntakeLimits } from "../../plan/listen-options.ts";
import { type Claim, equalPart, isStarved, lend, type LentLimit, nextTurn, noteReport } from "./lending.ts";
import { FailoverStates } from "./failover-states.ts";
import { KeyLoads } from "./key-loads.ts";
import type { LimitPart, LimitReport, ToWorker, UseReport } from "./messages.ts";
import type { SharedPlan } from "./serialized-plan.ts";

interface LenderOptions {
  readonly count: number;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "workerLent">;
  /** Lost where no process runs. */
  readonly tell: (index: number, message: ToWorker) => void;
}

/** Who waits for others to give a permit back has it after this time, and then the next. */
const TURN_MS = 500;

/**
 * Shares the limits of a node out to its workers, and lends on what one does not need to another
 * that wants more; and tells each what the others hold, and where failovers stand. Workers are
 * known by their index.
 */
export class Lender {
  readonly #options: LenderOptions;
  readonly #limits = new Map<NodeLimit, LentLimit>();
  /** Gone from the plan, and lent as long as a worker still sends within them. */
  readonly #leaving = new Set<NodeLimit>();
  /** Of the last message to each process. */
  readonly #seqs: number[];
  readonly #isRunning: boolean[];
  readonly #keyLoads: KeyLoads;
  readonly #failovers: FailoverStates;
  #turning: Cancel | undefined;
  #closed = false;

  constructor(options: LenderOptions) {
    this.#options = options;
    this.#keyLoads = new KeyLoads(options.count, options.tell);
    this.#failovers = new FailoverStates(options.count, () => options.clock.nowMs(), options.tell);
    this.#seqs = Array<number>(options.count).fill(0);
    this.#isRunning = Array<boolean>(options.count).fill(false);
  }

  /** The limits of a plan, before any worker takes it over. */
  adopt(plan: SharedPlan, intake: IntakeLimits): void {
    const wholes = wholesOf(plan, intake);
    this.#failovers.adopt(new Set(plan.pools.map(({ name }) => name)));
    for (const limit of this.#limits.keys()) if (!wholes.has(limit)) this.#leave(limit);
    const changed: NodeLimit[] = [];
    for (const [limit, whole] of wholes) {
      const known = this.#limits.get(limit);
      if (known?.whole === whole && !this.#leaving.has(limit)) continue;
      this.#leaving.delete(limit);
      this.#limits.set(limit, known === undefined ? this.#fresh(whole) : this.#resized(known, whole));
      changed.push(limit);
    }
    // What a worker was not told it makes of the plan's limit, or of what it was told when the
    // limit was in a plan before: that is another from here on.
    this.#tellAll(changed);
    this.#step(changed);
  }

  /** What a process that is about to begin may use, where that is not its equal part. */
  begin(index: number): LimitPart[] {
    const { count } = this.#options;
    this.#keyLoads.begin(index);
    this.#failovers.begin(index);
    const parts: LimitPart[] = [];
    this.#seqs[index] = 0;
    this.#isRunning[index] = true;
    for (const [name, limit] of this.#limits) {
      if (this.#leaving.has(name)) continue;
      const { whole, claims } = limit;
      const equal = equalPart(whole, index, count);
      const part = Math.max(0, Math.min(equal, whole - heldOf(claims)));
      this.#limits.set(name, withClaim(limit, index, { part, held: part, need: 0, toldSeq: 0 }));
      if (part !== equal) parts.push([name, part]);
    }
    return parts;
  }

  /** A process has ended: what it had is there for the others. */
  ended(index: number): void {
    this.#isRunning[index] = false;
    this.#keyLoads.ended(index);
    for (const name of this.#limits.keys()) this.#drop(name, index);
    this.#step(this.#limits.keys());
  }

  reported(index: number, report: UseReport): void {
    switch (report.kind) {
      case "loads":
        return this.#keyLoads.reported(index, report.loads);
      case "failovers":
        return this.#failovers.reported(index, report.failovers);
      case "uses":
        return this.#note(index, report);
      default:
        throw new Unreachable(report);
    }
  }

  close(): void {
    this.#closed = true;
    this.#turning?.();
  }

  #note(index: number, { seq, reports, all }: Extract<UseReport, { readonly kind: "uses" }>): void {
    const known: NodeLimit[] = [];
    for (const [name, has, need] of reports) {
      const limit = this.#limits.get(name);
      const claim = limit?.claims[index];
      if (limit === undefined || claim === undefined) continue;
      const reported = noteReport(claim, { seq, has, need: Math.min(need, limit.whole) });
      this.#limits.set(name, withClaim(limit, index, reported));
      known.push(name);
    }
    if (all === true && this.#leaving.size > 0) known.push(...this.#dropOthers(index, reports));
    this.#step(known);
  }

  #leave(name: NodeLimit): void {
    this.#leaving.add(name);
    this.#forgetUnused(name);
  }

  /** What this worker has of it is there for the others. */
  #drop(name: NodeLimit, index: number): void {
    this.#limits.set(name, withClaim(this.#limits.get(name)!, index, undefined));
    this.#forgetUnused(name);
  }

  /** Of those that are gone from the plan, the ones that this worker has no more. */
  #dropOthers(index: number, reports: readonly LimitReport[]): NodeLimit[] {
    const has = new Set(reports.map(([name]) => name));
    const dropped = [...this.#leaving].filter((name) => !has.has(name));
    for (const name of dropped) this.#drop(name, index);
    return dropped;
  }

  #forgetUnused(name: NodeLimit): void {
    if (!this.#leaving.has(name) || this.#limits.get(name)?.claims.some((claim) => claim !== undefined)) return;
    this.#leaving.delete(name);
    this.#limits.delete(name);
  }

  #step(names: Iterable<NodeLimit>): void {
    const told = this.#seqs.map((): LimitPart[] => []);
    for (const name of names) {
      const before = this.#limits.get(name);
      if (before === undefined) continue;
      const limit = lend(before);
      const claims = limit.claims.map((claim, i) => {
        const part = before.claims[i]?.part ?? 0;
        if (claim === undefined || claim.part === part) return claim;
        if (claim.part > part) this.#options.metrics.workerLent.with(kindOf(name)).add(1);
        told[i]!.push([name, claim.part]);
        return { ...claim, toldSeq: this.#seqs[i]! + 1 };
      });
      this.#limits.set(name, { ...limit, claims });
      if (isStarved(limit)) this.#turnLater();
    }
    for (const [i, parts] of told.entries()) if (parts.length > 0) this.#tell(i, parts);
  }

  #tell(index: number, parts: readonly LimitPart[]): void {
    const seq = ++this.#seqs[index]!;
    this.#options.tell(index, { kind: "parts", seq, parts });
  }

  /** Everybody's parts of these, whether they are others or not. */
  #tellAll(names: readonly NodeLimit[]): void {
    for (const index of this.#seqs.keys()) {
      const parts: LimitPart[] = [];
      for (const name of names) {
        const limit = this.#limits.get(name)!;
        const claim = limit.claims[index];
        if (claim === undefined) continue;
        this.#limits.set(name, withClaim(limit, index, { ...claim, toldSeq: this.#seqs[index]! + 1 }));
        parts.push([name, claim.part]);
      }
      if (parts.length > 0) this.#tell(index, parts);
    }
  }

  #turnLater(): void {
    if (this.#turning !== undefined || this.#closed) return;
    this.#turning = this.#options.clock.after(TURN_MS, () => {
      this.#turning = undefined;
      const starved = [...this.#limits].filter(([, limit]) => isStarved(limit));
      for (const [name, limit] of starved) this.#limits.set(name, nextTurn(limit));
      this.#step(starved.map(([name]) => name));
    });
  }

  #fresh(whole: number): LentLimit {
    const { count } = this.#options;
    const claims = this.#isRunning.map((isRunning, index): Claim | undefined => {
      const part = equalPart(whole, index, count);
      return isRunning ? { part, held: part, need: 0, toldSeq: 0 } : undefined;
    });
    return { whole, claims, turn: 0 };
  }

  /**
   * Of what nobody may still be using each gets its equal part; of what is too much `lend` takes
   * some from each.
   */
  #resized({ claims, turn }: LentLimit, whole: number): LentLimit {
    const { count } = this.#options;
    const more = Math.max(0, whole - heldOf(claims));
    return {
      whole,
      turn,
      claims: claims.map((one, index) => {
        // Who had no more of what was gone from the plan gets some when another has given it.
        const claim = one ?? (this.#isRunning[index] === true ? NO_CLAIM : undefined);
        if (claim === undefined) return undefined;
        const part = claim.part + equalPart(more, index, count);
        return { ...claim, part, held: Math.max(claim.held, part), need: Math.min(claim.need, whole) };
      }),
    };
  }
}

const NO_CLAIM: Claim = { part: 0, held: 0, need: 0, toldSeq: 0 };

/** The first word: `calls` of which target is nothing for a label. */
function kindOf(limit: NodeLimit): string {
  return limit.split(" ", 1)[0]!;
}

function heldOf(claims: LentLimit["claims"]): number {
  return claims.reduce((sum, claim) => sum + (claim?.held ?? 0), 0);
}

function withClaim(limit: LentLimit, index: number, claim: Claim | undefined): LentLimit {
  return { ...limit, claims: limit.claims.with(index, claim) };
}

function wholesOf({ targets, pools }: SharedPlan, intake: IntakeLimits): Map<NodeLimit, number> {
  const wholes = new Map<NodeLimit, number>([
    ["bytes", intake.maxInFlightBytes],
    ["requests", intake.maxConcurrentRequests],
  ]);
  for (const { id, maxInFlight } of targets) wholes.set(`calls ${id}`, maxInFlight);
  for (const { name, queue } of pools) {
    wholes.set(`queue ${name}`, queue.maxBytes);
    if (queue.maxItems !== undefined) wholes.set(`items ${name}`, queue.maxItems);
    wholes.set(`retries ${name}`, RETRIES_A_SECOND);
  }
  return wholes;
}
