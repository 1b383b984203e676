import { RouterError } from "../../core/errors.ts";
import type { CallOptions } from "../store.ts";
import { observeLeader, type ObservedLeader, readLeader } from "./election-observe.ts";
import { contend } from "./lock-contend.ts";
import type { Contest } from "./lock-contest.ts";
import { checkedHolder, seatFolder, writeSeat } from "./lock-entry.ts";
import type { Held, KeyHold } from "./lock-hold.ts";
import type { RecipePlace } from "./place.ts";

/** One leader at a time among those who stand for it, by name. */
export interface Election {
  readonly name: string;
  /**
   * Stands for it, and waits until it is won, however often the store or the session is lost on the
   * way. Throws the signal's reason, or `STORE_REFUSED`; nobody stands any more then.
   */
  campaign(value: string, options: CampaignOptions): Promise<Leadership>;
  /** Who leads now. Throws as the store does. */
  leader(options: CallOptions): Promise<ObservedLeader>;
  /** Who leads, whenever that changes; first who does now. Ends with the signal. */
  observe(options: { readonly signal: AbortSignal }): AsyncIterable<ObservedLeader>;
}

/** Who stands, and how long its lease is. */
export interface CampaignOptions {
  readonly signal: AbortSignal;
  /** Who stands, for people who look: a node's id, for example. */
  readonly id: string;
  /** How long after its last sign of life a leader is no more; default: the session's. */
  readonly leaseDurationMs?: number | undefined;
  /** Is told of each try that failed and is made again: the store is away, the session was lost. */
  readonly onTrouble?: ((cause: RouterError) => void) | undefined;
}

/** `lost` fires when it has ended; whatever is done in the leader's name goes through `guarded`. */
export interface Leadership extends Held {
  readonly id: string;
  /** What was said last: at the campaign, or by `proclaim`. */
  readonly value: string;
  /** Tells all who observe. Throws `NOT_OWNER`, or as the store does. */
  proclaim(value: string, options: CallOptions): Promise<void>;
  /** Ends it, as `LockGuard.release` does. The next candidate leads at once. */
  resign(): Promise<void>;
}

/** What leaders may say of themselves, in bytes. */
export const MAX_LEADER_VALUE = 65_536;

/** Fails with `STORE_REFUSED` for names that cannot be keys. */
export function createElection(place: RecipePlace, name: string): Election {
  const folder = seatFolder(place, "elections", name);
  return {
    name,
    async campaign(value, { id, signal, leaseDurationMs, onTrouble }) {
      const what = `leadership "${name}"`;
      const contest: Contest = { place, folder, what, holder: checkedHolder(id), value: checkedValue(value) };
      const hold = await contend(contest, { signal, ttlMs: leaseDurationMs, onTrouble });
      return leadershipBy(contest, hold, value);
    },
    leader: (options) => readLeader(place, folder, options),
    observe: ({ signal }) => observeLeader(place, folder, signal),
  };
}

function leadershipBy(contest: Contest, hold: KeyHold, first: string): Leadership {
  const { holder, place } = contest;
  const sinceMs = place.clock.wallMs();
  let current = first;
  return {
    id: holder,
    epoch: hold.epoch,
    lost: hold.lost,
    get value() {
      return current;
    },
    validForMs: () => hold.validForMs(),
    guarded: (txn, options) => hold.guarded(txn, options),
    async proclaim(value, options) {
      const { key, session } = hold;
      const seat = writeSeat({ holder, sinceMs, holds: true, session: session.id, value: checkedValue(value) });
      await hold.guarded({ if: [], then: [{ kind: "put", key, value: seat, session: session.id }] }, options);
      current = value;
    },
    resign: () => hold.release(),
    [Symbol.asyncDispose]: () => hold.release(),
  };
}

function checkedValue(value: string): string {
  const bytes = Buffer.byteLength(value);
  if (bytes <= MAX_LEADER_VALUE) return value;
  throw new RouterError("STORE_REFUSED", `a candidate's value has ${bytes} bytes`, {
    hint: `give it at most ${MAX_LEADER_VALUE}; put what is larger under a key, and say its name`,
  });
}
