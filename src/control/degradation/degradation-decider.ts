import {
  type DegradationReading,
  type DegradationSettings,
  degradationFrom,
  type FleetDegradation,
  type FleetLoad,
  type ManualDegradation,
  orderDegradation,
  stepDegradation,
} from "./fleet-degradation.ts";
import { KEEPING_COST, learntCost, projectedLoad } from "./projected-load.ts";

/** What is known of a fleet, or of one node, at a moment. */
export interface DegradationInput extends FleetLoad {
  /** Items a second that come, and that sampling leaves. */
  readonly receivedPerSecond: number;
  readonly keptPerSecond: number;
  /** The load that is to be expected in a minute; undefined: nobody knows. */
  readonly forecast: number | undefined;
}

/** How far ahead it begins, when it is predictive. */
export const DEGRADATION_HORIZON_MS = 60_000;
/** A load that is cut off here tells nothing of what it would be. */
const FULL = 0.98;
/** A moment's load is none: memory of what is read. */
const MEMORY_MS = 10_000;
/** So long after a moment's load it is all but forgotten. */
const FORGOTTEN_MS = 3 * MEMORY_MS;
/** By then what is given up shows: reports, a summary, and a queue that empties. */
const SETTLED_MS = 45_000;

/**
 * Decides whether a fleet is degraded: steps it by what is read, and learns what keeping costs from
 * what giving it up did.
 */
export class DegradationDecider {
  #state: FleetDegradation;
  /** What was read lately; undefined: it goes on from what somebody else has left. */
  #recent: DegradationInput | undefined;
  #steppedMs: number;
  /** When the load was cut off last, which cannot be seen of what is remembered. */
  #fullMs = Number.NEGATIVE_INFINITY;
  /** The last reading before it began; undefined: it tells nothing. */
  #calm: DegradationInput | undefined;
  #cost = KEEPING_COST;
  #isCostLearnt = false;

  /** `from`: as somebody else has left it. */
  constructor(settings: DegradationSettings, nowMs: number, from?: FleetDegradation) {
    this.#state = from ?? degradationFrom(nowMs, settings);
    this.#recent = from === undefined ? NO_READING : undefined;
    this.#steppedMs = nowMs;
  }

  get state(): FleetDegradation {
    return this.#state;
  }

  order(manual: ManualDegradation | undefined): void {
    this.#state = orderDegradation(this.#state, manual);
  }

  step(newest: DegradationInput, settings: DegradationSettings, nowMs: number): FleetDegradation {
    if (newest.load >= FULL) this.#fullMs = nowMs;
    const isCutOff = nowMs - this.#fullMs < FORGOTTEN_MS;
    const reading = this.#smoothed(newest, nowMs);
    const before = withShare(this.#state, reading);
    if (before.isDegraded) this.#learn(isCutOff ? undefined : reading, nowMs);
    this.#state = stepDegradation(before, this.#read(reading), settings, nowMs);
    if (!this.#state.isDegraded) [this.#calm, this.#isCostLearnt] = [isCutOff ? undefined : reading, false];
    return this.#state;
  }

  #smoothed(newest: DegradationInput, nowMs: number): DegradationInput {
    const gain = 1 - Math.exp(-(nowMs - this.#steppedMs) / MEMORY_MS);
    const recent = this.#recent ?? newest;
    const mixed = (name: "keptPerSecond" | "load" | "receivedPerSecond"): number =>
      recent[name] + gain * (newest[name] - recent[name]);
    this.#steppedMs = nowMs;
    this.#recent = {
      ...newest,
      load: mixed("load"),
      receivedPerSecond: mixed("receivedPerSecond"),
      keptPerSecond: mixed("keptPerSecond"),
    };
    return this.#recent;
  }

  #read(reading: DegradationInput): DegradationReading {
    const { load, worst, forecast, receivedPerSecond, keptPerSecond } = reading;
    if (!this.#state.isDegraded) return { load, worst, forecast, projected: load };
    // Whoever began in the middle of it does not know what would be kept: all, at worst.
    const share = this.#state.keptBefore ?? 1;
    const work = { load, receivedPerSecond, keptPerSecond, wouldKeepPerSecond: share * receivedPerSecond };
    return { load, worst, forecast, projected: projectedLoad(work, this.#cost) };
  }

  /** Once for each time that it lasts. */
  #learn(after: DegradationInput | undefined, nowMs: number): void {
    const before = this.#calm;
    if (this.#isCostLearnt || before === undefined || nowMs - this.#state.sinceMs < SETTLED_MS) return;
    this.#isCostLearnt = true;
    if (after !== undefined) this.#cost = learntCost({ before, after }) ?? this.#cost;
  }
}

/** Of a fleet that nothing is known of, and of one that does nothing. */
export const NO_READING: DegradationInput = {
  load: 0,
  worst: undefined,
  receivedPerSecond: 0,
  keptPerSecond: 0,
  forecast: undefined,
};

/** While nothing is given up it is seen what is kept. */
function withShare(state: FleetDegradation, { receivedPerSecond, keptPerSecond }: DegradationInput): FleetDegradation {
  if (state.isDegraded || !(receivedPerSecond > 0)) return state;
  return { ...state, keptBefore: Math.min(1, keptPerSecond / receivedPerSecond) };
}
