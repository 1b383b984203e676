import type { Cancel, Clock } from "../../core/clock.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { Health } from "../health/health.ts";
import { fromNow, type ToldPart } from "../health/told-health.ts";
import { TargetLoad } from "../load/target-load.ts";
import type { SendOutcome } from "../send-outcome.ts";
import type { InheritedState, PartTarget, Whole } from "./parts.ts";
import type { Batch } from "./target-client.ts";
import type { AttemptTime, ToldHandle } from "./target-port.ts";
import { initialWindow } from "./window.ts";

/**
 * Stands where a target has no part that could be sent to: while no member of the fleet is known
 * that it is to stand for. It is down, and nothing but members that come changes that.
 */
export class NoMember implements PartTarget {
  readonly load = new TargetLoad();
  readonly parts = undefined;
  readonly toldParts: readonly ToldHandle[] = [this];
  readonly inFlight = 0;
  readonly inFlightItems = 0;
  readonly inFlightBytes = 0;
  readonly maxInFlight = 0;
  readonly beyondPart = 0;
  readonly latencyMs = 0;
  readonly latencyCalls = 0;
  readonly errorRate = 0;
  readonly pausedTenants = 0;
  readonly loadsHeard = 0;
  readonly check = undefined;
  readonly learnedMaxBytes = undefined;
  readonly #whole: Whole;
  readonly #clock: Clock;
  readonly #health: Health;
  #plan: TargetPlan;

  constructor(plan: TargetPlan, { whole, clock }: { readonly whole: Whole; readonly clock: Clock }) {
    this.#plan = plan;
    this.#whole = whole;
    this.#clock = clock;
    const reason = plan.members?.isSelf === true ? "is_itself" : "no_members";
    const sinceMs = clock.nowMs();
    this.#health = { state: "down", reason, sinceMs, epoch: 0, ejections: 0, checks: 0, panicFromMs: Infinity };
  }

  get key(): string {
    return this.#plan.id;
  }

  get plan(): TargetPlan {
    return this.#plan;
  }

  get whole(): Whole["handle"] {
    return this.#whole.handle;
  }

  get maxBatchBytes(): number {
    return this.#plan.maxRequestBytes;
  }

  health(): Health {
    return this.#health;
  }

  told(): ToldPart {
    return { health: fromNow(this.#health, this.#clock.nowMs()), refusals: [] };
  }

  inheritable(): InheritedState {
    return { health: this.#health, window: initialWindow(this.#plan.maxInFlight) };
  }

  adopt(plan: TargetPlan): void {
    this.#plan = plan;
  }

  /** Whoever sends all the same is told that nobody is there. */
  send(_batch: Batch, _attempt: AttemptTime, _wanted: () => boolean, done: (outcome: SendOutcome) => void): Cancel {
    const message = `no member of the fleet is known that ${this.#plan.id} stands for`;
    return this.#clock.after(0, () => done({ kind: "retry", reason: "connect", message, unprocessed: true }));
  }

  windowSize(): number {
    return 0;
  }

  usable(): boolean {
    return false;
  }

  wantsProbe(): boolean {
    return false;
  }

  refused(): number {
    return 0;
  }

  refusals(): readonly [] {
    return [];
  }

  share(): number {
    return 1;
  }

  pausedForMs(): number {
    return -Infinity;
  }

  pauseFor(): undefined {}

  pause(): undefined {}

  nextTryMs(): undefined {}

  override(): undefined {}

  operate(): void {}

  splitSize(refusedBytes: number): { readonly bytes: number; readonly proven: boolean } {
    return { bytes: refusedBytes, proven: false };
  }

  learnSize(): void {}

  countSplit(): void {}

  onChange(): Cancel {
    return () => undefined;
  }

  limitChanged(): void {}

  healthChanged(): void {}

  hearLoad(): void {}

  obey(): void {}

  release(): void {}

  hear(): void {}

  hearTenants(): void {}

  async retire(): Promise<void> {
    // There is nothing to end.
  }
}
