import { reasonOf, RouterError } from "../../core/errors.ts";
import type { KnownCandidate } from "../../store/recipes/config-candidate.ts";
import type { ConfigCandidate } from "../../store/recipes/config-candidate-record.ts";
import { configKeys, decodePointer } from "../../store/recipes/config-record.ts";
import { formatEpoch } from "../../store/recipes/epoch.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { createSharedConfig, type SharedConfig } from "../../store/recipes/shared-config.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ConfigDirective } from "../fleet/directive.ts";
import type { GlobalLead, LeaderTask } from "../global/global-controller.ts";
import { ChangeSignal } from "../truth/changes.ts";
import type { FleetSample } from "./collector-sample.ts";
import { rolledBack, type RolloutStep, type StageMemory, stepRollout } from "./rollout-step.ts";

interface RolloutTaskOptions {
  readonly place: RecipePlace;
  /** All collectors as they are now. Throws as the store does. */
  readonly sample: (signal: AbortSignal) => Promise<FleetSample>;
  readonly log: Log;
  readonly observer?: RolloutObserver | undefined;
}

/** Told what becomes of a candidate while this node leads the fleet. */
export interface RolloutObserver {
  /** `before` undefined: it was not led from here before. */
  changed(before: ConfigCandidate | undefined, now: ConfigCandidate): void;
  /** It is led from here no more. */
  left(): void;
}

/** What the leader of a fleet does about a config that some nodes try, until it leads no more. */
export function rolloutTask(options: RolloutTaskOptions): LeaderTask {
  return async (lead) => {
    const led = new LedRollout(options, lead);
    try {
      await led.run();
    } finally {
      options.observer?.left();
    }
  };
}

/** Between two samples while something is tried; more where there are many to look at. */
const POLL_MS = 5_000;
const LONGEST_POLL_MS = 15_000;
const COLLECTORS_PER_POLL = 1_000;
/** A watch tells when something is to be tried; should it not, this does. */
const IDLE_MS = 30_000;

class LedRollout {
  readonly #options: RolloutTaskOptions;
  readonly #lead: GlobalLead;
  readonly #shared: SharedConfig;
  readonly #epoch: string;
  readonly #begunMs: number;
  #memory: StageMemory = {};
  #last: ConfigCandidate | undefined;
  #collectors = 0;

  constructor(options: RolloutTaskOptions, lead: GlobalLead) {
    this.#options = options;
    this.#lead = lead;
    this.#shared = createSharedConfig(options.place);
    this.#epoch = formatEpoch({ generation: lead.generation, revision: lead.leadership.epoch });
    this.#begunMs = options.place.clock.nowMs();
  }

  async run(): Promise<void> {
    const { place } = this.#options;
    const { signal } = this.#lead;
    const changes = new ChangeSignal(signal);
    const { candidate, current } = configKeys(place.prefix);
    for (const key of [candidate, current])
      void changes.follow(place.clock, () => watchEntries(place.store, key, signal));
    while (!signal.aborted) {
      changes.seen();
      const isTried = await this.#tried(signal);
      await changes.next({ clock: place.clock, ms: isTried ? this.#pollMs() : IDLE_MS });
    }
  }

  #pollMs(): number {
    return Math.min(LONGEST_POLL_MS, POLL_MS * Math.max(1, this.#collectors / COLLECTORS_PER_POLL));
  }

  /** True: it is to be looked at again soon. Never rejects while the store is only away. */
  async #tried(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#once(signal);
    } catch (cause) {
      if (!(cause instanceof RouterError)) throw cause;
      if (!signal.aborted) {
        const told = { kind: "rollout" as const, reason: reasonOf(cause) };
        this.#options.log.limited("rollout", 60_000)?.warn("a staged config cannot be looked at", told);
      }
      return true;
    }
  }

  async #once(signal: AbortSignal): Promise<boolean> {
    const read = await this.#shared.candidate({ signal });
    if (read.kind !== "candidate") {
      if (read.kind === "bad") this.#tellBad(read.reason);
      await this.#say(undefined, signal);
      return false;
    }
    if (isUntold(read.candidate, this.#last)) return this.#tellAborted(read, signal);
    this.#tell(read.candidate);
    await this.#say(read.candidate, signal);
    if (read.candidate.state !== "running") return false;
    const next = await this.#step(read, signal);
    if (next === undefined) return true;
    this.#tell(next);
    await this.#say(next, signal);
    return next.state === "running";
  }

  /** With the last of it what all run is told: without the pointer as it is now, they went back. */
  async #say(candidate: ConfigCandidate | undefined, signal: AbortSignal): Promise<void> {
    const { store, prefix } = this.#options.place;
    const tried = candidate && candidateDirective(candidate);
    const pointer = tried === undefined ? await store.get(configKeys(prefix).current, { signal }) : undefined;
    await this.#lead.setCandidate(tried, { pointer, validForMs: candidate?.validForMs });
  }

  /** What became of it; undefined: nothing that is written, and it is to be looked at again. */
  async #step(known: KnownCandidate, signal: AbortSignal): Promise<ConfigCandidate | undefined> {
    const { place, sample } = this.#options;
    const pointer = await place.store.get(configKeys(place.prefix).current, { signal });
    const runs = pointer && decodePointer(pointer.value);
    if (runs?.ok !== true) return undefined; // whoever follows the pointer tells
    const fleet = await sample(signal);
    this.#collectors = fleet.collectors.length;
    const { clock } = place;
    const nowMs = clock.nowMs();
    const step = stepRollout(known.candidate, this.#memory, fleet, {
      nowMs,
      wallMs: clock.wallMs(),
      epoch: this.#epoch,
      ledMs: nowMs - this.#begunMs,
      runs: runs.value.version,
    });
    if (!(await this.#write(known, step, signal))) return undefined;
    // What could not be written was not seen either.
    this.#memory = step.memory;
    return step.candidate;
  }

  async #write(known: KnownCandidate, step: RolloutStep, signal: AbortSignal): Promise<boolean> {
    if (step.candidate === known.candidate) return true;
    const options = { guard: this.#lead.leadership, signal };
    if (!step.isPromoted) return this.#shared.update(known, step.candidate, options);
    const promoted = await this.#shared.promote(known, step.candidate, options);
    // It is not there any more, and never comes back: those who try it are told to go back.
    if (promoted.kind === "missing") await this.#giveUp(known, promoted.reason, signal);
    return promoted.kind === "published";
  }

  async #giveUp(known: KnownCandidate, reason: string, signal: AbortSignal): Promise<void> {
    const next = rolledBack(known.candidate, reason, this.#options.place.clock.wallMs());
    await this.#shared.update(known, next, { guard: this.#lead.leadership, signal });
  }

  /** Somebody has ended it before a leader saw it: it is told once, whoever leads next. */
  async #tellAborted(known: KnownCandidate, signal: AbortSignal): Promise<boolean> {
    const { candidate } = known;
    const options = { guard: this.#lead.leadership, signal };
    await this.#say(candidate, signal);
    if (!(await this.#shared.update(known, { ...candidate, told: true }, options))) return true;
    this.#tell({ ...candidate, state: "running" });
    this.#tell({ ...candidate, told: true });
    return false;
  }

  #tellBad(reason: string): void {
    const hint = "delete the key, and publish the config again";
    const told = { kind: "rollout" as const, reason, hint };
    this.#options.log.limited("rollout-bad", 60_000)?.error("what stands for a staged config cannot be read", told);
  }

  #tell(now: ConfigCandidate): void {
    const before = this.#last;
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(now)) return;
    this.#last = now;
    this.#options.observer?.changed(before, now);
  }
}

function isUntold({ state, told, version }: ConfigCandidate, last: ConfigCandidate | undefined): boolean {
  const isKnown = last?.version === version && last.state !== "running";
  return state === "aborted" && !told && !isKnown;
}

/** What nodes are told of a candidate; undefined: nobody is to run it. */
export function candidateDirective(candidate: ConfigCandidate): ConfigDirective["candidate"] {
  const { state, version, sha256, base, stage, nodes, region, again, epoch } = candidate;
  // It is published, and no leader has said yet who is to try it.
  if (state !== "running" || epoch === "") return undefined;
  const said = { version, sha256, base, stage, again };
  if (stage === "all") return said;
  return {
    ...said,
    nodes: nodes.map(({ id }) => id),
    incarnations: nodes.map(({ incarnation }) => incarnation),
    ...(region !== "" && { region }),
  };
}
