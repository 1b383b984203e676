import type { Cancel } from "../../core/clock.ts";
import { Unreachable } from "../../core/unreachable.ts";
import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { CountingEnv } from "../../telemetry/env.ts";
import type { Log } from "../../telemetry/log.ts";
import type { SendOutcome } from "../send-outcome.ts";
import { SignalCounts } from "./signal-counts.ts";
import { isDue, REFUSED_AFTER, type RefusalEvent, type SignalRefusal, stepRefusal, TAKEN } from "./signal-refusal.ts";
import type { SignalNews } from "./target-news.ts";
import type { ToldRefusal } from "./told-health.ts";

/** A signal that a target does not take now. */
export interface RefusedSignal {
  readonly signal: Signal;
  /** Clock.nowMs(). */
  readonly sinceMs: number;
  readonly nextTryMs: number;
  readonly said: string;
}

interface RefusalsEnv extends CountingEnv {
  /**
   * In a worker: tells the main process at once, and gives the number of what it told. What is not
   * told at once is asked for.
   */
  readonly tellNow?: () => number;
}

/** Whose refusals they are. */
export interface Refusing {
  readonly plan: TargetPlan;
  /** Something may have changed for those who wait; never from within `sent` or `tell`. */
  refusalDue(): void;
}

/** A target that changes its mind without end is logged once in this time, for each signal. */
const LOG_MS = 60_000;

type LimitedLog = ReturnType<Log["limited"]> | undefined;

const TOOK: RefusalEvent = { kind: "took" };

const ALL = SIGNALS.reduce((bits, signal) => bits | SIGNAL_FACTS[signal].bit, 0);

/** Which signals one target takes, from what it answers to each. Has one timer at most. */
export class SignalRefusals {
  readonly #whose: Refusing;
  readonly #env: RefusalsEnv;
  readonly #refusals: SignalRefusal[] = SIGNALS.map(() => TAKEN);
  /**
   * Signals that checks heard refused, and all of which something was heard since the first one was
   * refused; as bits.
   */
  #checkedAway = 0;
  #heard = 0;
  #mask = 0;
  readonly #counts: SignalCounts | undefined;
  /** What was told before this number is older than what was found out here. */
  #aheadOf = 0;
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;
  #closed = false;

  constructor(whose: Refusing, env: RefusalsEnv) {
    this.#whose = whose;
    this.#env = env;
    this.#counts = env.tellNow && new SignalCounts();
  }

  /** Signals that are refused now, by their bits; 0 as a rule. */
  get mask(): number {
    return this.#mask;
  }

  /**
   * No signal is left that it may take, by its answers to calls, and to checks of signals of which
   * it got no data.
   */
  get isAll(): boolean {
    return this.#mask !== 0 && (this.#mask | this.#checkedAway) === ALL;
  }

  /** Some signal is refused, and of others it is not known whether they are taken. */
  get isInDoubt(): boolean {
    return this.#mask !== 0 && this.#heard !== ALL;
  }

  get list(): readonly RefusedSignal[] {
    return SIGNALS.flatMap((signal) => {
      const refusal = this.#refusals[SIGNAL_FACTS[signal].index]!;
      if (refusal.state !== "refused") return [];
      const { sinceMs, nextTryMs, said } = refusal;
      return [{ signal, sinceMs, nextTryMs, said }];
    });
  }

  isDue(signal: Signal): boolean {
    return isDue(this.#refusals[SIGNAL_FACTS[signal].index]!, this.#env.clock.nowMs());
  }

  /** A batch leaves whose signal is refused: it asks whether it still is. */
  sent(signal: Signal): void {
    this.#step(signal, { kind: "sent" });
  }

  /** What asked has ended without an answer to that. */
  unclear(signal: Signal): void {
    this.#step(signal, { kind: "unclear" });
  }

  /** What an outcome says of the signal of what was sent. `asks`: it was told of to `sent`. */
  record(outcome: SendOutcome, { signal, asks }: { readonly signal: Signal; readonly asks: boolean }): void {
    switch (outcome.kind) {
      case "elsewhere":
        this.#elsewhere(signal, outcome.message);
        return;
      case "accepted":
        this.#took(signal);
        return;
      case "too_large":
        if (outcome.doubt === undefined) this.#took(signal);
        else if (asks) this.unclear(signal);
        return;
      case "rejected":
        if (outcome.badData) this.#took(signal);
        else if (asks) this.#elsewhere(signal, outcome.message);
        return;
      case "retry":
        if (asks) this.unclear(signal);
        return;
      default:
        throw new Unreachable(outcome satisfies never);
    }
  }

  /** What an empty export told: it does not refuse a signal by itself, for data is what counts. */
  checked(signal: Signal, elsewhere: boolean): void {
    const { bit } = SIGNAL_FACTS[signal];
    const was = (this.#checkedAway & bit) !== 0;
    this.#heard |= bit;
    this.#checkedAway = elsewhere ? this.#checkedAway | bit : this.#checkedAway & ~bit;
    if (was && !elsewhere) this.#step(signal, { kind: "hurry" });
  }

  /** The target is back: whatever it refused is worth a try. */
  hurry(): void {
    for (const signal of SIGNALS) this.#step(signal, { kind: "hurry" });
  }

  /** In a worker: what the main process is told. */
  takeNews(): SignalNews | undefined {
    return this.#counts?.take();
  }

  /** What calls of another process told. */
  hear({ took = 0, away = [], refused = 0, asked = 0 }: SignalNews): void {
    for (const signal of SIGNALS) if ((took & SIGNAL_FACTS[signal].bit) !== 0) this.#took(signal);
    for (const { index, times, said } of away) {
      const signal = SIGNALS[index];
      if (signal === undefined) continue;
      const { bit } = SIGNAL_FACTS[signal];
      if ((asked & bit) !== 0) this.#step(signal, { kind: "sent" });
      const most = (refused & bit) === 0 ? Math.min(times, REFUSED_AFTER) : REFUSED_AFTER;
      for (let i = 0; i < ((asked & bit) === 0 ? most : 1); i++) this.#elsewhere(signal, said);
    }
  }

  /** Those that are refused, by this process's clock. */
  get state(): readonly ToldRefusal[] {
    return SIGNALS.flatMap((signal) => {
      const refusal = this.#refusals[SIGNAL_FACTS[signal].index]!;
      return refusal.state === "refused" ? [{ signal, refusal }] : [];
    });
  }

  /** In a worker: what the node knows, by number; undefined: it is taken. */
  obey(told: readonly (ToldRefusal["refusal"] | undefined)[], heardSeq: number): void {
    if (heardSeq < this.#aheadOf) return;
    for (const signal of SIGNALS) {
      const { index, bit } = SIGNAL_FACTS[signal];
      const before = this.#refusals[index]!;
      const refusal = told[index];
      const isAsking = before.state === "refused" && before.probeOut;
      const next = refusal === undefined ? TAKEN : { ...refusal, probeOut: isAsking };
      if (refusal === undefined && before.state === "taken") continue; // it may have a row of its own
      this.#refusals[index] = next;
      if (next.state !== before.state) this.#changed(signal, bit, next);
    }
    if (!this.#closed) this.#setTimer();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #took(signal: Signal): void {
    const wasRefused = (this.#mask & SIGNAL_FACTS[signal].bit) !== 0;
    this.#checkedAway &= ~SIGNAL_FACTS[signal].bit;
    this.#counts?.took(signal);
    this.#step(signal, TOOK);
    if (wasRefused) this.#tellNow();
  }

  #elsewhere(signal: Signal, said: string): void {
    const before = this.#refusals[SIGNAL_FACTS[signal].index]!;
    this.#step(signal, { kind: "elsewhere", said, jitter: this.#env.random.next() });
    if (this.#counts === undefined) return;
    const isRefused = this.#refusals[SIGNAL_FACTS[signal].index]!.state === "refused";
    const how = isRefused && before.state === "taken" ? "refused" : "once";
    const again = before.state === "refused" && before.probeOut;
    this.#counts.elsewhere(signal, said, again ? "asked" : how);
    if (again || how === "refused") this.#tellNow();
  }

  #tellNow(): void {
    if (!this.#closed) this.#aheadOf = this.#env.tellNow?.() ?? 0;
  }

  #step(signal: Signal, event: RefusalEvent): void {
    const { index, bit } = SIGNAL_FACTS[signal];
    const before = this.#refusals[index]!;
    const next = stepRefusal(before, event, this.#env.clock.nowMs(), this.#whose.plan.health.ejection);
    if (next === before) return;
    this.#refusals[index] = next;
    if (next.state !== before.state) this.#changed(signal, bit, next);
    if (!this.#closed) this.#setTimer();
  }

  #changed(signal: Signal, bit: number, next: SignalRefusal): void {
    if (this.#mask === 0) this.#heard = 0;
    this.#heard |= bit;
    const { metrics } = this.#env;
    const target = this.#whose.plan.id;
    if (next.state === "refused") {
      this.#mask |= bit;
      metrics.targetRefusals.with(target, signal).add(1);
      this.#line(signal)?.warn("target does not take a signal: it gets none of it but probes", {
        target,
        signal,
        said: next.said,
      });
    } else {
      this.#mask &= ~bit;
      this.#line(signal)?.info("target takes a signal again", { target, signal });
    }
  }

  #line(signal: Signal): LimitedLog {
    return this.#env.log?.limited(`target ${this.#whose.plan.id} ${signal}`, LOG_MS);
  }

  /** Those who wait are told when a signal may be tried. */
  #setTimer(): void {
    const { clock } = this.#env;
    const nowMs = clock.nowMs();
    let atMs = Infinity;
    for (const refusal of this.#refusals) {
      if (refusal.state === "refused" && !refusal.probeOut && refusal.nextTryMs > nowMs)
        atMs = Math.min(atMs, refusal.nextTryMs);
    }
    if (this.#timer?.atMs === atMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (atMs === Infinity) return;
    const cancel = clock.after(Math.ceil(atMs - nowMs), () => {
      this.#timer = undefined;
      this.#setTimer();
      this.#whose.refusalDue();
    });
    this.#timer = { atMs, cancel };
  }
}
