import { SESSION_LOSSES, type SessionLoss } from "../store.ts";
import { type Moment, untilMs } from "./moment.ts";

/**
 * What a holder's thread and the one that renews share of a session, without a message between
 * them: until when it is valid, and the pulse, which is when the holder's loop last turned. Once
 * lost, the pulse is a number below 0 for good.
 */
export class SessionCell {
  readonly memory: SharedArrayBuffer;
  readonly #words: BigInt64Array;
  /** The holder's last beat. */
  #beaten = 0n;

  constructor(memory = new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new BigInt64Array(memory);
  }

  /** By the holder alone. Changes nothing once it is lost. */
  beat(now: Moment): void {
    const next = toWord(now.machineMs);
    if (Atomics.compareExchange(this.#words, PULSE, this.#beaten, next) === this.#beaten) this.#beaten = next;
  }

  /** By who renews. */
  extend(until: Moment): void {
    Atomics.store(this.#words, UNTIL_MACHINE, toWord(until.machineMs));
    Atomics.store(this.#words, UNTIL_WALL, toWord(until.wallMs));
  }

  /** The last beat, as `lose` takes it and `beatMs` reads it; below 0 once it is lost. */
  get pulse(): bigint {
    return Atomics.load(this.#words, PULSE);
  }

  /**
   * How long the holder may act in its name. Never longer than the other thread waits for its next
   * beat before it gives the session up.
   */
  validForMs(now: Moment, ttlMs: number): number {
    const { pulse } = this;
    if (pulse < 0n) return 0;
    const until = {
      machineMs: Math.min(fromWord(Atomics.load(this.#words, UNTIL_MACHINE)), fromWord(pulse) + ttlMs),
      wallMs: fromWord(Atomics.load(this.#words, UNTIL_WALL)),
    };
    return Math.max(0, untilMs(until, now));
  }

  /** What has made it invalid, once it is valid for 0 ms. */
  lossAt(now: Moment, ttlMs: number): SessionLoss {
    const { pulse } = this;
    const why = pulse < 0n ? SESSION_LOSSES[Number(-pulse) - 1] : undefined;
    return why ?? (fromWord(pulse) + ttlMs <= now.machineMs ? "stalled" : "unanswered");
  }

  /**
   * From now on, and for good. With a beat: only if the holder's loop has not turned since. False:
   * it has, or it was lost before.
   */
  lose(why: SessionLoss, unlessAfter?: bigint): boolean {
    const lost = -BigInt(SESSION_LOSSES.indexOf(why) + 1);
    for (;;) {
      const last = unlessAfter ?? this.pulse;
      if (last < 0n) return false;
      if (Atomics.compareExchange(this.#words, PULSE, last, lost) === last) return true;
      if (unlessAfter !== undefined) return false;
    }
  }
}

/** By the machine's time. */
export function beatMs(pulse: bigint): number {
  return fromWord(pulse);
}

const PULSE = 0;
const UNTIL_MACHINE = 1;
const UNTIL_WALL = 2;

/** Whole microseconds, down: never later than it is. */
function toWord(ms: number): bigint {
  return BigInt(Math.floor(ms * 1_000));
}

function fromWord(word: bigint): number {
  return Number(word) / 1_000;
}
