import { truncate } from "../../core/truncate.ts";
import type { CallOptions } from "../../store/store.ts";
import { formatEpoch } from "../../store/recipes/epoch.ts";
import { readFleet } from "../../store/recipes/identity.ts";
import {
  type ListedSeat,
  listElections,
  listLocks,
  type SeatOptions,
  type SeatPage,
} from "../../store/recipes/lock-list.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { isoTime } from "../../core/iso-time.ts";

/** Who holds and who leads, as the API and the command line show it. */
export interface SeatReader {
  /** By name; throws as the store does. */
  locks(options: CallOptions): Promise<readonly LockView[]>;
  leaders(options: CallOptions): Promise<LeadersView>;
}

/** One of `GET /api/v1/locks`. */
export interface LockView {
  readonly name: string;
  /** Null: nobody, or whoever comes next does not know yet. */
  readonly holder: string | null;
  /** `2.4711`: the fleet's generation, and the revision at which the holder came to it. */
  readonly epoch: string | null;
  /** By the holder's clock. */
  readonly since: string | null;
  /** How many want it. */
  readonly waiting: number;
  /** The first of these, in their order where the store has one. */
  readonly waiters: readonly string[];
}

/** Who leads an election. */
export interface LeaderView {
  readonly id: string;
  readonly epoch: string;
  readonly since: string;
  /** What it proclaims, at most `MAX_SHOWN_VALUE` characters of it. */
  readonly value: string;
}

/** `GET /api/v1/leader` */
export interface LeadersView {
  readonly global: LeaderView | null;
  readonly regions: Readonly<Record<string, LeaderView | null>>;
  /** Of programs that use the library. */
  readonly others: Readonly<Record<string, LeaderView | null>>;
}

/** The elections of a fleet. */
export const GLOBAL_ELECTION = "global";
const REGION = "region.";

/** Of the controllers of a region. */
export function regionElection(region: string): string {
  return `${REGION}${region}`;
}

/** Whether it is an election of the fleet, and no program's. */
export function isFleetElection(name: string): boolean {
  return name === GLOBAL_ELECTION || (name.startsWith(REGION) && name.length > REGION.length);
}

/** What is shown of them at once: in the store there may be more. */
const MAX_SHOWN = 10_000;
const MAX_WAITERS = 100;
const MAX_SHOWN_VALUE = 4_096;

export function createSeatReader(place: RecipePlace): SeatReader {
  return {
    async locks(options) {
      const generation = await generationIn(place, options);
      const seats = await all((more) => listLocks(place, more), options);
      return seats.map((seat) => lockView(seat, generation));
    },
    async leaders(options) {
      const generation = await generationIn(place, options);
      const seats = await all((more) => listElections(place, more), options);
      return leadersView(seats, generation);
    },
  };
}

async function all(list: (options: SeatOptions) => Promise<SeatPage>, { signal }: CallOptions): Promise<ListedSeat[]> {
  const found: ListedSeat[] = [];
  for (let after: string | undefined; found.length < MAX_SHOWN; ) {
    const { seats, next } = await list({ signal, after });
    found.push(...seats);
    if (next === undefined) break;
    after = next;
  }
  return found;
}

/** A store without a fleet is one whose fleet is in its first generation, once it has one. */
async function generationIn(place: RecipePlace, options: CallOptions): Promise<number> {
  const found = await readFleet(place, options);
  return found.kind === "found" ? found.identity.generation : 1;
}

function lockView({ name, holder, epoch, sinceMs, waiting }: ListedSeat, generation: number): LockView {
  return {
    name,
    holder: holder ?? null,
    epoch: epoch === undefined ? null : formatEpoch({ generation, revision: epoch }),
    since: sinceMs === undefined ? null : isoTime(sinceMs),
    waiting: waiting.length,
    waiters: waiting.slice(0, MAX_WAITERS),
  };
}

function leadersView(seats: readonly ListedSeat[], generation: number): LeadersView {
  let global: LeaderView | null = null;
  const regions = new Map<string, LeaderView | null>();
  const others = new Map<string, LeaderView | null>();
  for (const seat of seats) {
    const view = leaderView(seat, generation);
    if (seat.name === GLOBAL_ELECTION) global = view;
    else if (seat.name.startsWith(REGION)) regions.set(seat.name.slice(REGION.length), view);
    else others.set(seat.name, view);
  }
  // Names are anybody's: also __proto__ is one.
  return { global, regions: Object.fromEntries(regions), others: Object.fromEntries(others) };
}

function leaderView({ holder, epoch, sinceMs, value = "" }: ListedSeat, generation: number): LeaderView | null {
  if (holder === undefined || epoch === undefined || sinceMs === undefined) return null;
  const shown = truncate(value, MAX_SHOWN_VALUE);
  return { id: holder, epoch: formatEpoch({ generation, revision: epoch }), since: isoTime(sinceMs), value: shown };
}
