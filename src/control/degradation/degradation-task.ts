import type { DegradationDocument } from "../../config/schema/fleet.ts";
import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { isOver } from "../../core/is-over.ts";
import type { Log } from "../../telemetry/log.ts";
import type { GlobalLead, LeaderTask } from "../global/global-controller.ts";
import type { RegionView } from "../global/region-views.ts";
import { mergeNumbers, noNumbers } from "../region/fleet-numbers.ts";
import type { FleetNumbers } from "../region/region-summary.ts";
import { decodeStoredDirective, directiveKey } from "../region/stored-directive.ts";
import { DegradationDecider, type DegradationInput, NO_READING } from "./degradation-decider.ts";
import {
  DEGRADATION_SCOPE,
  DEGRADATION_VALID_MS,
  fromDirective,
  readDegradationDirective,
  toDirective,
} from "./degradation-directive.ts";
import { readDegradationOrder } from "./degradation-order.ts";
import { degradationSettings } from "./degradation-settings.ts";
import type { ManualDegradation } from "./fleet-degradation.ts";

interface DegradationTaskOptions {
  /** `global.degradation` of the fleet's config, as this node runs it. */
  readonly settings: () => DegradationDocument | undefined;
  readonly log: Log;
  /** Told the load of the fleet with each step; undefined: it is led from here no more. */
  readonly measured?: (load: number | undefined) => void;
}

/** Between two looks: as often as reports come. */
const STEP_MS = 5_000;
/** Where nobody says a target_rate, and somebody orders it all the same. */
const ORDERED_RATE = 0.1;

/** What the leader of a fleet does about its degradation, until it leads no more. */
export function degradationTask(options: DegradationTaskOptions): LeaderTask {
  return async (lead) => {
    const led = new LedDegradation(options, lead);
    try {
      await led.run();
    } finally {
      options.measured?.(undefined);
    }
  };
}

class LedDegradation {
  readonly #options: DegradationTaskOptions;
  readonly #lead: GlobalLead;
  #decider: DegradationDecider | undefined;
  /** Something of it stands in the store. */
  #isTold = false;

  constructor(options: DegradationTaskOptions, lead: GlobalLead) {
    this.#options = options;
    this.#lead = lead;
  }

  async run(): Promise<void> {
    const { signal, place } = this.#lead;
    await this.#goOn();
    while (!signal.aborted) {
      try {
        await this.#step();
      } catch (cause) {
        if (!(cause instanceof RouterError)) throw cause;
        const told = { kind: "degradation" as const, reason: reasonOf(cause) };
        if (isOver(signal)) continue;
        const message = "the fleet's degradation could not be decided: it stays as it is";
        this.#options.log.limited("degradation", 60_000)?.warn(message, told);
      }
      await sleep(place.clock, STEP_MS, signal).catch(() => undefined);
    }
  }

  /** From what the leader before has said. */
  async #goOn(): Promise<void> {
    const { place, signal } = this.#lead;
    const entry = await place.store.get(directiveKey(place.prefix, DEGRADATION_SCOPE), { signal });
    const stored = entry && decodeStoredDirective(entry.value);
    if (stored?.ok !== true) return;
    this.#isTold = true;
    const directive = readDegradationDirective(stored.value.body);
    if (directive === undefined) return;
    const { nowMs, wallMs } = this.#both();
    const of = degradationSettings(this.#options.settings());
    this.#decider = new DegradationDecider(of, nowMs, fromDirective(directive, { nowMs, wallMs }));
  }

  async #step(): Promise<void> {
    const { place, signal } = this.#lead;
    const settings = this.#options.settings();
    const { nowMs, wallMs } = this.#both();
    const order = manualOf(await readDegradationOrder(place, { signal }), { nowMs, wallMs });
    const reading = fleetReading(this.#lead.regions.all());
    this.#options.measured?.(reading?.load);
    if (settings?.enabled !== true && order === undefined && !this.#isTold) return;
    const of = degradationSettings(settings);
    this.#decider ??= new DegradationDecider(of, nowMs);
    this.#decider.order(order);
    // A new leader knows no region yet: what holds goes on. What was ordered holds all the same.
    if (reading === undefined && order === undefined) return;
    const state = this.#decider.step(reading ?? NO_READING, of, nowMs);
    const directive = toDirective(state, settings?.target_rate ?? ORDERED_RATE, { nowMs, wallMs });
    const decision = { body: JSON.stringify(directive), validForMs: DEGRADATION_VALID_MS };
    await this.#lead.directives.set(DEGRADATION_SCOPE, decision, signal);
    this.#isTold = true;
  }

  #both(): { readonly nowMs: number; readonly wallMs: number } {
    const { clock } = this.#lead.place;
    return { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
  }
}

/**
 * Of all regions that are heard of; undefined: none says anything of its load. What a region that
 * fell silent said last is no load any more.
 */
function fleetReading(views: readonly RegionView[]): DegradationInput | undefined {
  const known = views.filter(({ isStale }) => !isStale).map(({ summary }) => summary.numbers);
  const sum = known.reduce<FleetNumbers>(mergeNumbers, noNumbers());
  if (!(sum.load_capacity > 0)) return undefined;
  const [worst] = known.flatMap((one) => one.worst).toSorted((a, b) => b.utilization - a.utilization);
  return {
    load: sum.load_weight / sum.load_capacity,
    worst: worst && { id: worst.id, load: worst.utilization },
    receivedPerSecond: sum.items_per_second,
    keptPerSecond: sum.sampled_items_per_second,
    forecast: sum.forecast_weight / sum.load_capacity,
  };
}

function manualOf(
  order: Awaited<ReturnType<typeof readDegradationOrder>>,
  { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
): ManualDegradation | undefined {
  if (order === undefined || order.until_ms <= wallMs) return undefined;
  return { isDegraded: order.degraded, untilMs: nowMs + (order.until_ms - wallMs), note: order.note };
}
