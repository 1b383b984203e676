import type { DegradationDocument } from "../../config/schema/fleet.ts";
import { reasonOf } from "../../core/errors.ts";
import { DEGRADATION_STEPS, type GivenUp, NOTHING_GIVEN_UP } from "../../plan/degradation-plan.ts";
import type { Env } from "../../telemetry/env.ts";
import type { LoadSignals } from "../load/load-report.ts";
import { DegradationDecider, type DegradationInput } from "./degradation-decider.ts";
import { type DegradationDirective, degradedRate, toDirective } from "./degradation-directive.ts";
import type { ManualDegradation } from "./fleet-degradation.ts";
import {
  DEGRADATION_LADDER,
  levelAt,
  levelFrom,
  type LevelOrder,
  type LevelReason,
  type NodeLevel,
  stepLevel,
  type Stress,
  stressOf,
} from "./node-level.ts";
import { degradationSettings } from "./degradation-settings.ts";

interface NodeDegradationOptions extends Pick<Env, "clock" | "log"> {
  /** The id of this node. */
  readonly id: string;
  /** Of the config that runs; absent there: only what people order is given up. */
  readonly settings: () => DegradationDocument | undefined;
  /** Tells the data plane. */
  readonly apply: (givenUp: GivenUp) => Promise<void>;
  /** Told of each change of the level, for metrics. */
  readonly changed?: (from: number, to: number) => void;
}

/** A node's load at one moment, where the node is all that it knows of. */
type OwnReading = Omit<DegradationInput, "worst">;

/** How a node stands, for people. */
export interface NodeDegradationStatus {
  /** What it goes by. */
  readonly level: number;
  /** What its signals call for. */
  readonly measured: NodeLevel;
  readonly stress: Stress | undefined;
  readonly order: LevelOrder | undefined;
  /** Of the level that it goes by: Clock.wallMs(). */
  readonly sinceMs: number;
  readonly fleet: DegradationDirective | undefined;
  /** It decides about the fleet alone: it is in none. */
  readonly isAlone: boolean;
  readonly isEnabled: boolean;
  readonly givenUp: GivenUp;
}

/** Nobody knows what the data plane does: it is no state that is wanted. */
const UNKNOWN: GivenUp = { ...NOTHING_GIVEN_UP, level: -1 };

/** Low priority is kept so at level 2 where no config says a target_rate. */
const LOW_RATE = 0.1;

/**
 * What a node gives up: by its own level, by what people order, and by what the leader of its fleet
 * says; without a fleet, by the same law for itself. It is stepped with each sample of the load, in
 * which orders end as well.
 */
export class NodeDegradation {
  readonly #options: NodeDegradationOptions;
  #level: NodeLevel;
  #stress: Stress | undefined;
  #order: LevelOrder | undefined;
  /** The level that it went by last, and since when. */
  #shown = 0;
  #sinceMs: number;
  #told: DegradationDirective | undefined;
  #standing: "alone" | "in_fleet" | "unknown" = "unknown";
  #decider: DegradationDecider | undefined;
  #fleetOrder: ManualDegradation | undefined;
  #applied = NOTHING_GIVEN_UP;
  #applying: Promise<void> = Promise.resolve();

  constructor(options: NodeDegradationOptions) {
    this.#options = options;
    this.#level = levelFrom(options.clock.nowMs());
    this.#sinceMs = options.clock.wallMs();
  }

  get status(): NodeDegradationStatus {
    return {
      level: this.#now(),
      measured: this.#level,
      stress: this.#stress,
      order: this.#activeOrder(),
      sinceMs: this.#sinceMs,
      fleet: this.#told,
      isAlone: this.#standing === "alone",
      isEnabled: this.#settings() !== undefined,
      givenUp: this.#wanted(),
    };
  }

  /** The ceiling of what is not protected, while the fleet is degraded. */
  get fleetRate(): number | undefined {
    return degradedRate(this.#told);
  }

  /** Whether a leader decides about its fleet. Until it is said, nothing is decided of one. */
  stands(standing: "alone" | "in_fleet"): void {
    this.#standing = standing;
  }

  /** A sample of the load is there. */
  sampled(signals: LoadSignals, own: OwnReading): void {
    const { clock, id } = this.#options;
    const nowMs = clock.nowMs();
    const { queue, eventLoopMs, memory: rss, cpu, exportErrors } = signals;
    this.#stress = stressOf({ queue, eventLoopMs, rss, cpu, exportErrors });
    const settings = this.#settings();
    this.#level = settings === undefined ? levelFrom(nowMs) : stepLevel(this.#level, this.#stress, nowMs);
    if (this.#standing === "alone") this.#decide(settings, { ...own, worst: { id, load: own.load } }, nowMs);
    this.#obey();
  }

  /** What somebody wants of this node; undefined: what it measures holds again. */
  async order(order: LevelOrder | undefined): Promise<void> {
    this.#order = order;
    this.#obey();
    await this.#applying;
  }

  /** And of what it decides of a fleet while it is in none. */
  async orderFleet(order: ManualDegradation | undefined): Promise<void> {
    this.#fleetOrder = order;
    this.#decider?.order(order);
    const { clock } = this.#options;
    const settings = this.#settings();
    // The next sample does all else.
    if (this.#decider === undefined && order !== undefined) {
      this.#decider = new DegradationDecider(degradationSettings(settings), clock.nowMs());
      this.#decider.order(order);
    }
    this.#obey();
    await this.#applying;
  }

  /** The leader's directive; undefined: none holds. */
  directed(directive: DegradationDirective | undefined): void {
    this.#tell(directive);
    this.#obey();
  }

  #settings(): DegradationDocument | undefined {
    const settings = this.#options.settings();
    return settings?.enabled === true ? settings : undefined;
  }

  #decide(settings: DegradationDocument | undefined, reading: DegradationInput, nowMs: number): void {
    const order = this.#fleetOrder;
    if (order !== undefined && nowMs >= order.untilMs) this.#fleetOrder = undefined;
    if (settings === undefined && this.#fleetOrder === undefined) {
      this.#decider = undefined;
      return this.#tell(undefined);
    }
    const of = degradationSettings(settings);
    this.#decider ??= new DegradationDecider(of, nowMs);
    const state = this.#decider.step(reading, of, nowMs);
    const wallMs = this.#options.clock.wallMs();
    this.#tell(toDirective(state, settings?.target_rate ?? LOW_RATE, { nowMs, wallMs }));
  }

  #tell(directive: DegradationDirective | undefined): void {
    const before = this.#told?.degraded === true;
    this.#told = directive;
    if (before === (directive?.degraded === true)) return;
    const { log } = this.#options;
    if (directive?.degraded === true) {
      const { target_rate, reason } = directive;
      const more = { kind: "degradation" as const, target_rate, ...fieldsOf(reason), hint: FLEET_HELP };
      log.warn("the fleet is degraded: what is not protected is kept at target_rate at most", more);
    } else log.info("the fleet is degraded no more", { kind: "degradation" });
  }

  #activeOrder(): LevelOrder | undefined {
    const order = this.#order;
    return order !== undefined && this.#options.clock.wallMs() < order.untilMs ? order : undefined;
  }

  #now(): number {
    return levelAt(this.#level, this.#activeOrder(), this.#options.clock.wallMs());
  }

  #wanted(): GivenUp {
    const level = this.#now();
    const settings = this.#settings();
    const unprotectedRate = this.fleetRate ?? 1;
    const lowRate = level >= DEGRADATION_STEPS.lowIsSampled ? (settings?.target_rate ?? LOW_RATE) : 1;
    return { level, unprotectedRate, lowRate, why: level === 0 ? "" : this.#why() };
  }

  #why(): string {
    const order = this.#activeOrder();
    if (order !== undefined) return order.note === "" ? "ordered" : `ordered: ${order.note}`;
    return levelReasonText(this.#level.reason);
  }

  /** Tells the data plane, in order; what it could not be told is told with the next sample. */
  #obey(): void {
    this.#show();
    const wanted = this.#wanted();
    if (isSame(wanted, this.#applied)) return;
    this.#applied = wanted;
    this.#applying = this.#apply(wanted, this.#applying);
  }

  async #apply(wanted: GivenUp, before: Promise<void>): Promise<void> {
    const { apply, log } = this.#options;
    await before;
    try {
      await apply(wanted);
    } catch (cause) {
      if (this.#applied === wanted) this.#applied = UNKNOWN;
      const why = { kind: "degradation" as const, reason: reasonOf(cause) };
      log.limited("degrade", 60_000)?.warn("the data plane could not be told what to give up", why);
    }
  }

  #show(): void {
    const [from, to] = [this.#shown, this.#now()];
    if (from === to) return;
    const { clock, log, changed } = this.#options;
    this.#shown = to;
    this.#sinceMs = clock.wallMs();
    changed?.(from, to);
    const more = {
      kind: "degradation" as const,
      degradation_level: to,
      before: from,
      gives_up: DEGRADATION_LADDER[to],
    };
    const order = this.#activeOrder();
    if (order !== undefined) log.warn("this node's degradation was ordered", { ...more, note: order.note });
    else if (to > from) {
      const { signal, value, help } = this.#level.reason ?? {};
      log.warn("this node gives up more", { ...more, signal, value, hint: help });
    } else log.info("this node gives up less", more);
  }
}

/** What there is to do about a fleet that is degraded. */
export const FLEET_HELP =
  "more collectors, or less to keep: global.sampling_strategies; see the level of the worst node";

export function levelReasonText(reason: LevelReason | undefined): string {
  return reason === undefined ? "" : `${reason.signal} ${reason.value.toFixed(2)}: ${reason.help}`;
}

function fieldsOf(reason: DegradationDirective["reason"]): Readonly<Record<string, unknown>> {
  const { kind: cause, ...more } = reason;
  return { cause, ...more };
}

function isSame(a: GivenUp, b: GivenUp): boolean {
  // Of a level that refuses nobody nobody reads why.
  return a.level === b.level && a.unprotectedRate === b.unprotectedRate && a.lowRate === b.lowRate && a.why === b.why;
}
