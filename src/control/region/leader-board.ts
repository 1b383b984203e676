import { RouterError } from "../../core/errors.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { seatsPrefix } from "../../store/recipes/lock-entry.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import type { Entry } from "../../store/store.ts";
import { GLOBAL_ELECTION, regionElection } from "../coordination/seats.ts";
import { leaderAddress } from "../fleet/leader-value.ts";
import type { ControllerAddress } from "../fleet/messages.ts";
import { candidatesAmong, type ElectedController } from "./candidates.ts";
import { keepWatching } from "./keep-watching.ts";

const REGION = regionElection("");

/** Told of elections whose leader is another than before; not of those that were there at first. */
type LeaderNews = (election: string, leader: ElectedController | undefined) => void;

/**
 * Who leads the regions and the world, as far as the store has told: watches `<prefix>/elections/`
 * until it is disposed.
 */
export class LeaderBoard implements AsyncDisposable {
  /** Whether the store can be reached: what was told before may be old. */
  isInStep = false;
  readonly #closing = new AbortController();
  #leaders: ReadonlyMap<string, ElectedController | undefined> = new Map();
  #wasInStep = false;
  readonly #news: LeaderNews | undefined;
  readonly #ended: Promise<void>;

  constructor(place: RecipePlace, news?: LeaderNews) {
    this.#news = news;
    this.#ended = keepWatching({
      clock: place.clock,
      signal: this.#closing.signal,
      watch: () => this.#follow(place),
      refused: () => (this.isInStep = false),
    });
  }

  /** Undefined: nobody, or nobody knows. */
  global(): ElectedController | undefined {
    return this.#leaders.get(GLOBAL_ELECTION);
  }

  region(region: string): ElectedController | undefined {
    return this.#leaders.get(regionElection(region));
  }

  /** Regions that somebody stands for. */
  regions(): readonly string[] {
    return [...this.#leaders.keys()].flatMap((name) => (name.startsWith(REGION) ? [name.slice(REGION.length)] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new RouterError("SHUTDOWN", "elections are followed no more"));
    await this.#ended;
  }

  async #follow(place: RecipePlace): Promise<void> {
    const below = seatsPrefix(place, "elections");
    for await (const { entries, lost } of watchEntries(place.store, below, this.#closing.signal)) {
      const before = this.#leaders;
      this.#leaders = leadersAmong(place, below, entries);
      this.isInStep = lost === undefined;
      if (this.#wasInStep) this.#tell(before);
      this.#wasInStep ||= this.isInStep;
    }
  }

  #tell(before: ReadonlyMap<string, ElectedController | undefined>): void {
    for (const election of new Set([...before.keys(), ...this.#leaders.keys()])) {
      const leader = this.#leaders.get(election);
      if (leader?.epoch !== before.get(election)?.epoch) this.#news?.(election, leader);
    }
  }
}

function leadersAmong(
  place: RecipePlace,
  below: string,
  entries: ReadonlyMap<string, Entry>,
): Map<string, ElectedController | undefined> {
  const byElection = new Map<string, Entry[]>();
  for (const entry of entries.values()) {
    const [name = ""] = entry.key.slice(below.length).split("/", 1);
    if (name !== GLOBAL_ELECTION && !name.startsWith(REGION)) continue;
    const seats = byElection.get(name);
    if (seats === undefined) byElection.set(name, [entry]);
    else seats.push(entry);
  }
  const { facts } = place.store;
  const found = [...byElection].map(([name, seats]) => [name, candidatesAmong(facts, seats)] as const);
  // What those who are gone have left behind is nobody's.
  const stoodFor = found.filter(([, { standing }]) => standing.length > 0);
  return new Map(stoodFor.map(([name, { leader }]) => [name, leader]));
}

/** Where a leader is dialled; undefined for programs that say nothing of it. */
export function addressOf(leader: ElectedController | undefined): ControllerAddress | undefined {
  return leader?.value && leaderAddress(leader.value);
}
