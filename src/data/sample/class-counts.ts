import type { Reason } from "../../core/reason.ts";
import type { SampledSignal, ShareReason } from "../../plan/sampling-plan.ts";
import type { Env } from "../../telemetry/env.ts";
import type { LedgerEntry } from "../../telemetry/ledger.ts";
import type { Counter } from "../../telemetry/metrics.ts";
import { ArrivalCounts } from "./arrival-counts.ts";
import type { SamplingOddities } from "./verdict.ts";

/** What becomes of the items of one class: of the request being walked, until it is settled. */
export class ClassCounts implements SamplingOddities {
  /** Without a change. */
  kept = 0;
  marked = 0;
  dropped = 0;
  /** Not let in, and the sender is told. */
  refused = 0;
  noRandomness = 0;
  inconsistent = 0;
  unmarked = 0;
  /** undefined: nobody follows what comes. */
  readonly arrivals: ArrivalCounts | undefined;
  readonly #signal: SampledSignal;
  readonly #class: string;
  readonly #env: Pick<Env, "ledger" | "metrics">;
  readonly #keptTotal: Counter;
  readonly #markedTotal: Counter;
  #droppedTotal: Counter | undefined;
  #reason: ShareReason = "priority_based";
  /** Its row of the ledger, which is opened when something is dropped for this reason. */
  #entry: LedgerEntry | undefined;

  constructor(signal: SampledSignal, name: string, follows: boolean, env: Pick<Env, "ledger" | "metrics">) {
    this.arrivals = follows ? new ArrivalCounts(signal, name, env.metrics) : undefined;
    this.#signal = signal;
    this.#class = name;
    this.#env = env;
    this.#keptTotal = env.metrics.samplingItems.with(signal, name, "", "kept");
    this.#markedTotal = env.metrics.samplingItems.with(signal, name, "", "marked");
  }

  /** Of the request that is being walked. */
  get keptItems(): number {
    return this.kept + this.marked;
  }

  /** From now on, what is dropped is dropped for this reason. */
  by(reason: ShareReason): void {
    if (reason !== this.#reason) this.#entry = this.#droppedTotal = undefined;
    this.#reason = reason;
  }

  keepWhole(items: number): void {
    this.kept += items;
  }

  /** A new request begins. */
  forget(): void {
    this.kept = this.marked = this.dropped = this.refused = 0;
    this.noRandomness = this.inconsistent = this.unmarked = 0;
    this.arrivals?.forget();
  }

  commit(dryRun: boolean): void {
    this.arrivals?.commit();
    if (this.kept > 0) this.#keptTotal.add(this.kept);
    if (this.marked > 0) this.#markedTotal.add(this.marked);
    if (this.dropped > 0) this.#commitDropped(dryRun);
    if (this.refused > 0 && !dryRun) this.#shed("degraded", this.refused);
    if (this.noRandomness + this.inconsistent + this.unmarked > 0) this.#commitOdd();
    this.forget();
  }

  /** Of what is kept others keep count. */
  refuse(reason: Reason): void {
    if (this.dropped + this.refused > 0) this.#shed(reason, this.dropped + this.refused);
    this.forget();
  }

  #shed(reason: Reason, items: number): void {
    const entry = this.#enter();
    entry.received += items;
    entry.shedItems(reason, items);
  }

  #commitDropped(dryRun: boolean): void {
    const { metrics } = this.#env;
    this.#droppedTotal ??= metrics.samplingItems.with(this.#signal, this.#class, this.#reason, "dropped");
    this.#droppedTotal.add(this.dropped);
    if (dryRun) return;
    const entry = this.#enter();
    entry.received += this.dropped;
    entry.drop("sampled", this.dropped);
  }

  #commitOdd(): void {
    const { samplingOddities } = this.#env.metrics;
    if (this.noRandomness > 0) samplingOddities.with(this.#signal, "no_randomness").add(this.noRandomness);
    if (this.inconsistent > 0) samplingOddities.with(this.#signal, "inconsistent").add(this.inconsistent);
    if (this.unmarked > 0) samplingOddities.with(this.#signal, "unmarked").add(this.unmarked);
  }

  /** Names of rules and pools have no brackets: these are nobody else's. */
  #enter(): LedgerEntry {
    this.#entry ??= this.#env.ledger.entry(this.#signal, `(class ${this.#class})`, `(sampled by ${this.#reason})`);
    return this.#entry;
  }
}
