import type { TargetHandle } from "../export/target-port.ts";
import type { TargetGauge } from "./picker.ts";

/** What balancing asks of a target: a part of its handle. */
export type TargetSource = Pick<
  TargetHandle,
  | "plan"
  | "health"
  | "refused"
  | "inFlight"
  | "inFlightItems"
  | "inFlightBytes"
  | "windowSize"
  | "load"
  | "share"
  | "onChange"
>;

export class SourceGauge implements TargetGauge {
  readonly #target: TargetSource;

  constructor(target: TargetSource) {
    this.#target = target;
  }

  get id(): string {
    return this.#target.plan.id;
  }

  get region(): string {
    return this.#target.plan.region;
  }

  get inFlight(): number {
    return this.#target.inFlight;
  }

  get inFlightItems(): number {
    return this.#target.inFlightItems;
  }

  get inFlightBytes(): number {
    return this.#target.inFlightBytes;
  }

  get slowStartMs(): number {
    return this.#target.plan.health.slowStartMs;
  }

  latencyMs(nowMs: number): number {
    return this.#target.load.latencyMs(nowMs);
  }

  latencyRank(nowMs: number): number {
    return this.#target.load.latencyRank(nowMs);
  }

  load(nowMs: number): number {
    return this.#target.load.score(nowMs, this.#target.windowSize());
  }
}
