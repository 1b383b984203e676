import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { isOver } from "../../core/is-over.ts";
import { compactRegularly } from "../../store/recipes/compaction.ts";
import { CANDIDATE_VALID } from "../../store/recipes/config-candidate-record.ts";
import { configKeys, decodePointer } from "../../store/recipes/config-record.ts";
import type { Leadership } from "../../store/recipes/election.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { Entry, Revision } from "../../store/store.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import type { Log } from "../../telemetry/log.ts";
import { CONFIG_SCOPE, type ConfigDirective } from "../fleet/directive.ts";
import type { FleetLimits } from "../limits/fleet-limits.ts";
import type { LeaderBoard } from "../region/leader-board.ts";
import { Adoption, type AdoptionOptions } from "./adoption.ts";
import { DirectiveWriter } from "./directive-writer.ts";
import type { RegionViews } from "./region-views.ts";

/**
 * What else is done while a node leads the fleet: the mirror of the config, a rollout. Ends with
 * the signal; what it throws is told, and it is begun again.
 */
export type LeaderTask = (lead: GlobalLead) => Promise<void>;

/** The leadership of a fleet, for those who do something in its name. */
export interface GlobalLead {
  readonly place: RecipePlace;
  readonly leadership: Leadership;
  /** Of the fleet: with the leadership's epoch, that of all that is decided. */
  readonly generation: number;
  readonly directives: DirectiveWriter;
  readonly regions: RegionViews;
  /**
   * Tells all nodes which config some of them try, beside the one that runs; undefined: none.
   * Throws `NOT_OWNER`, or as the store does.
   */
  setCandidate(candidate: ConfigDirective["candidate"], more?: CandidateFacts): Promise<void>;
  /** Fires when it leads no more. */
  readonly signal: AbortSignal;
}

/** What is known besides of who tries which config. */
interface CandidateFacts {
  /** As it was read: a watch may tell of it later. */
  readonly pointer?: Entry | undefined;
  /** Who hears nothing for so long tries it no more. */
  readonly validForMs?: number | undefined;
}

interface GlobalControllerOptions {
  readonly place: RecipePlace;
  readonly leadership: Leadership;
  readonly generation: number;
  readonly leaders: LeaderBoard;
  readonly regions: RegionViews;
  /** Serves a region that has no controller. */
  readonly adopt: (region: string) => void;
  /** It has one again. */
  readonly release: (region: string) => void;
  /** Nobody is in it any more: what the store has of it goes, too. */
  readonly giveUp: (region: string) => void;
  /** Whether the fleet's config has it. */
  readonly isConfigured: (region: string) => boolean;
  /** How many collectors of an adopted region report here. */
  readonly collectorsOf: (region: string) => number;
  /** By name, for the log. */
  readonly tasks: Readonly<Record<string, LeaderTask>>;
  /**
   * One of the tasks says which config some nodes try: nothing is told of the config before it has
   * said so, or they would run what all run until then.
   */
  readonly hasCandidates?: boolean;
  readonly adoption?: AdoptionOptions | undefined;
  /** What the regions have of the fleet's limits. */
  readonly limits: FleetLimits;
  readonly log: Log;
}

/** A directive holds so long after its writing: longer than a change of the leader takes. */
const DIRECTIVE_VALID_MS = CANDIDATE_VALID.usualMs;

/** The name of the task that says which config some nodes try. */
export const ROLLOUT_TASK = "rollout";

const TICK_MS = 1_000;
const AGAIN_MS = 5_000;

/** What the leader of a fleet does while it leads; disposing of it does not resign. */
export class GlobalController implements AsyncDisposable {
  readonly directives: DirectiveWriter;
  readonly #options: GlobalControllerOptions;
  readonly #adoption: Adoption;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #running: Promise<unknown>;
  #pointer: Pick<ConfigDirective, "version" | "sha256"> | undefined;
  #pointerRevision: Revision | undefined;
  #candidate: ConfigDirective["candidate"];
  #isCandidateKnown: boolean;
  #validForMs: number = DIRECTIVE_VALID_MS;

  constructor(options: GlobalControllerOptions) {
    const { place, leadership, generation, adoption, tasks, hasCandidates = false } = options;
    this.#options = options;
    this.#isCandidateKnown = !hasCandidates;
    this.#adoption = new Adoption(adoption);
    this.directives = new DirectiveWriter({ place, leadership, generation, by: leadership.id });
    this.#signal = AbortSignal.any([this.#closing.signal, leadership.lost]);
    const own = { config: (lead: GlobalLead) => this.#followPointer(lead), compaction: forgetHistory(place) };
    const all = { ...own, ...tasks };
    const running = Object.entries(all).map(([name, task]) => this.#keepDoing(name, task));
    this.#running = Promise.all([this.#run(), ...running]);
  }

  get limits(): FleetLimits {
    return this.#options.limits;
  }

  /** Regions whose collectors are served here. */
  get adopted(): ReadonlySet<string> {
    return this.#adoption.adopted;
  }

  /** Whether it leads, by the clocks as they are now. */
  get leads(): boolean {
    return !this.#signal.aborted && this.#options.leadership.validForMs() > 0;
  }

  /** A collector of a region that nobody leads, as far as is known, has asked here. */
  hear(region: string): void {
    this.#adoption.hear(region, this.#options.place.clock.nowMs());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new RouterError("SHUTDOWN", "the fleet is led no more by this node"));
    await this.#running;
    for (const region of this.adopted) this.#options.release(region);
  }

  async #run(): Promise<void> {
    const { place, log } = this.#options;
    while (!this.#signal.aborted) {
      if (this.leads) {
        this.#adopt();
        try {
          await this.directives.tick(this.#signal);
        } catch (cause) {
          if (!isOver(this.#signal)) {
            log
              .limited("directives", 60_000)
              ?.warn("a directive could not be written", { kind: "store", reason: reasonOf(cause) });
          }
        }
      }
      await sleep(place.clock, TICK_MS, this.#signal).catch(() => undefined);
    }
  }

  #adopt(): void {
    const { leaders, regions, place, log, isConfigured, collectorsOf } = this.#options;
    const views = new Map(regions.all().map(({ summary }) => [summary.region, summary]));
    const stoodFor = new Set(leaders.regions());
    const { adopt, release, giveUp, refused } = this.#adoption.step(
      {
        regions: new Set([...views.keys(), ...stoodFor]),
        hasLeader: (region) => leaders.region(region) !== undefined,
        wasAdopted: (region) => views.get(region)?.adopted === true,
        isConfigured,
        isInhabited: (region) => stoodFor.has(region) || collectorsOf(region) > 0,
        isKnown: leaders.isInStep && regions.isInStep,
      },
      place.clock.nowMs(),
    );
    this.#tellRefused(refused);
    for (const region of giveUp) {
      log.warn("a region in which nobody is any more is given up", { kind: "election", region });
      this.#options.giveUp(region);
    }
    for (const region of release) {
      log.info("a region has a controller of its own again", { kind: "election", region });
      this.#options.release(region);
    }
    for (const region of adopt) {
      log.warn("a region without a controller is adopted", {
        kind: "election",
        region,
        hint: "its collectors report to the leader of the fleet; start a node there with the role controller",
      });
      this.#options.adopt(region);
    }
  }

  #tellRefused(regions: readonly string[]): void {
    if (regions.length === 0) return;
    this.#options.log
      .limited("regions-unknown", 60_000)
      ?.error("regions without a controller are not adopted: the config has none of them, and there are too many", {
        kind: "election",
        regions: regions.slice(0, 10),
        count: regions.length,
        hint: "look for node.region that is misspelt; register those that are meant: signalbox regions set",
      });
  }

  async #keepDoing(name: string, task: LeaderTask): Promise<void> {
    const { place, leadership, generation, regions, log } = this.#options;
    const lead: GlobalLead = {
      place,
      leadership,
      generation,
      regions,
      directives: this.directives,
      signal: this.#signal,
      setCandidate: (candidate, { pointer, validForMs = DIRECTIVE_VALID_MS } = {}) => {
        if (pointer !== undefined) this.#seePointer(pointer);
        this.#candidate = candidate;
        this.#validForMs = candidate === undefined ? DIRECTIVE_VALID_MS : validForMs;
        this.#isCandidateKnown = true;
        return this.#tellConfig();
      },
    };
    while (!this.#signal.aborted) {
      try {
        await task(lead);
      } catch (cause) {
        if (isOver(this.#signal)) return;
        const fields = { task: name, reason: reasonOf(cause) };
        log.limited(`leader-task-${name}`, 60_000)?.warn("what the leader of the fleet does has failed", fields);
      }
      await sleep(place.clock, AGAIN_MS, this.#signal).catch(() => undefined);
    }
  }

  /** Which version runs is decided in the store; collectors are told so as a directive. */
  async #followPointer({ signal }: GlobalLead): Promise<void> {
    const { place, log } = this.#options;
    const key = configKeys(place.prefix).current;
    for await (const { entries } of watchEntries(place.store, key, signal)) {
      const entry = entries.get(key);
      if (entry === undefined) continue;
      const { ok, reason } = this.#seePointer(entry);
      if (!ok) {
        log
          .limited("config-pointer", 60_000)
          ?.error("the config's pointer cannot be read", { kind: "config", key, reason });
        continue;
      }
      await this.#persist(() => this.#tellConfig(), signal);
    }
  }

  /** The newer one counts, whoever tells of it. */
  #seePointer({ value, modified }: Entry): { readonly ok: boolean; readonly reason: string } {
    const pointer = decodePointer(value);
    if (!pointer.ok) return pointer;
    if (this.#pointerRevision === undefined || modified > this.#pointerRevision) {
      const { version, sha256 } = pointer.value;
      [this.#pointer, this.#pointerRevision] = [{ version, sha256 }, modified];
    }
    return { ok: true, reason: "" };
  }

  async #tellConfig(): Promise<void> {
    if (this.#pointer === undefined || !this.#isCandidateKnown) return;
    const config: ConfigDirective = this.#candidate ? { ...this.#pointer, candidate: this.#candidate } : this.#pointer;
    const decision = { body: JSON.stringify(config), validForMs: this.#validForMs };
    await this.directives.set(CONFIG_SCOPE, decision, this.#signal);
  }

  async #persist(run: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        return await run();
      } catch (cause) {
        if (!(cause instanceof RouterError) || cause.code === "STORE_REFUSED" || cause.code === "NOT_OWNER")
          throw cause;
      }
      await sleep(this.#options.place.clock, TICK_MS, signal).catch(() => undefined);
    }
  }
}

/** Of a store whose history is the fleet's alone: `coordination.compact`. */
function forgetHistory({ store, clock }: RecipePlace): LeaderTask {
  return async ({ signal }) => {
    if (store.compact !== undefined) return compactRegularly(store, { clock, signal });
    await once(signal);
  };
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
