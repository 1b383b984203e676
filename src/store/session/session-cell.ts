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
  #beaten: bigint | undefined;

  constructor(memory = new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new BigInt64Array(memory);
  }

  /** By the holder alone. False: it is lost. */
  beat(now: Moment): boolean {
    const next = toWord(now.machineMs);
    const last = this.#beaten ?? Atomics.load(this.#words, PULSE);
    if (Atomics.compareExchange(this.#words, PULSE, last, next) !== last) return false;
    this.#beaten = next;
    return true;
  }

  /** By who renews. */
  extend(until: Moment): void {
    Atomics.store(this.#words, UNTIL_MACHINE, toWord(until.machineMs));
    Atomics.store(this.#words, UNTIL_WALL, toWord(until.wallMs));
  }

  get pulse(): Pulse {
    const word = Atomics.load(this.#words, PULSE);
    return word < 0n ? { kind: "lost", why: SESSION_LOSSES[Number(-word) - 1] } : { kind: "beating", word };
  }

  /**
   * How long the holder may act in its name. Never longer than the other thread waits for its next
   * beat before it gives the session up.
   */
  validForMs(now: Moment, ttlMs: number): number {
    const pulse = Atomics.load(this.#words, PULSE);
    if (pulse < 0n) return 0;
    const until = {
      machineMs: Math.min(fromWord(Atomics.load(this.#words, UNTIL_MACHINE)), fromWord(pulse) + ttlMs),
      wallMs: fromWord(Atomics.load(this.#words, UNTIL_WALL)),
    };
    return Math.max(0, untilMs(until, now));
  }

  /** What has made it invalid; undefined: it was closed. Of what is valid for 0 ms. */
  lossAt(now: Moment, ttlMs: number): SessionLoss | undefined {
    const { pulse } = this;
    if (pulse.kind === "lost") return pulse.why;
    return fromWord(pulse.word) + ttlMs <= now.machineMs ? "stalled" : "unanswered";
  }

  /**
   * From now on, and for good. With a beat: only if the holder's loop has not turned since. False:
   * it has, or it was lost before.
   */
  lose(why: SessionLoss | "closed", unlessAfter?: bigint): boolean {
    const lost = why === "closed" ? CLOSED : -BigInt(SESSION_LOSSES.indexOf(why) + 1);
    for (;;) {
      const last = unlessAfter ?? Atomics.load(this.#words, PULSE);
      if (last < 0n) return false;
      if (Atomics.compareExchange(this.#words, PULSE, last, lost) === last) return true;
      if (unlessAfter !== undefined) return false;
    }
  }
}

/** `word`: as `lose` takes it. */
export type Pulse =
  | { readonly kind: "beating"; readonly word: bigint }
  | { readonly kind: "lost"; readonly why: SessionLoss | undefined };

export function beatMs(word: bigint): number {
  return fromWord(word);
}

const PULSE = 0;
const UNTIL_MACHINE = 1;
const UNTIL_WALL = 2;
const CLOSED = -1_000n;

/** Whole microseconds, down: never later than it is. */
function toWord(ms: number): bigint {
  return BigInt(Math.floor(ms * 1_000));
}

function fromWord(word: bigint): number {
  return Number(word) / 1_000;
}
