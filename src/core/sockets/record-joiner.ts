import { allocOwned } from "../bytes.ts";
import type { Flushable, TurnEnd } from "../turn-end.ts";

/** What a record of TLS carries at the most (RFC 8446, 5.1). */
const RECORD_BYTES = 16_384;
/** Who has filled so many is in the middle of something longer, as a rule. */
const FULL_BEFORE = 2;
const RECORDS = 8;
const JOINED_BYTES = RECORDS * RECORD_BYTES;
/** 2 MiB in a process, of which only those are touched that are needed at the same time. */
const MAX_BUFFERS = 16;

/** Places for records one behind the other. */
interface JoinBuffer {
  readonly bytes: Uint8Array;
  readonly places: readonly Uint8Array[];
}

/** Buffers that connections of a process have in turns; the one that was used last goes first. */
export class JoinBuffers {
  readonly #free: JoinBuffer[] = [];
  #left: number;

  constructor(most: number = MAX_BUFFERS) {
    this.#left = most;
  }

  /** Undefined: all are in use. */
  take(): JoinBuffer | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#left === 0) return free;
    this.#left--;
    const bytes = allocOwned(JOINED_BYTES);
    const places = Array.from({ length: RECORDS }, (_, i) => bytes.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES));
    return { bytes, places };
  }

  giveBack(buffer: JoinBuffer): void {
    this.#free.push(buffer);
  }
}

interface RecordJoinerParts {
  /** Takes bytes, borrowed until it returns. */
  readonly take: (bytes: Uint8Array) => void;
  /** Where a record goes that is handed on at once. Others are read into it, too. */
  readonly landing: Uint8Array;
  readonly buffers: JoinBuffers;
  readonly turn: Pick<TurnEnd, "read">;
}

/**
 * Hands on the records of one TLS connection that come together as one piece. Node decrypts all
 * that has come at once, and calls for each record; a piece costs some steps of the protocol above,
 * whatever its size. A record that is not full is handed on at once, with those before it; what was
 * still expected, at the end of the turn. Without a buffer each record is handed on by itself.
 * Requests of 370 KB cost 4 to 5 % less so, small ones the same.
 */
export class RecordJoiner implements Flushable {
  readonly #parts: RecordJoinerParts;
  #buffer: JoinBuffer | undefined;
  /** In the buffer, what was not handed on yet: it begins where a record begins. */
  #from = 0;
  #to = 0;
  /** Where the next record is to be written, until that was told. */
  #moved: Uint8Array | undefined;
  /** Records in a row that were full. */
  #full = 0;
  #isDue = false;

  constructor(parts: RecordJoinerParts) {
    this.#parts = parts;
  }

  /**
   * After `read`: where the next record is to be written, if not where the last one was; the first
   * one in the landing. It stays so until the next `read`, however long that takes: its writer has
   * the address, and cannot be told of another one meanwhile.
   */
  moved(): Uint8Array | undefined {
    const place = this.#moved;
    this.#moved = undefined;
    return place;
  }

  /** A record is in its place. */
  read(bytes: number): void {
    const buffer = this.#buffer;
    if (buffer === undefined) this.#land(bytes);
    else this.#join(buffer, bytes);
  }

  /** The turn ends. */
  flush(): void {
    this.#isDue = false;
    this.passOn();
  }

  /** What there is; before anything is told that came after it. */
  passOn(): void {
    const { bytes } = this.#buffer ?? {};
    if (bytes === undefined || this.#from === this.#to) return;
    const piece = bytes.subarray(this.#from, this.#to);
    this.#from = this.#to; // before: who takes it may throw
    this.#parts.take(piece);
  }

  /** Nothing is written any more. */
  close(): void {
    this.#release();
  }

  #land(bytes: number): void {
    const { take, landing, buffers } = this.#parts;
    take(landing.subarray(0, bytes));
    this.#full = bytes === RECORD_BYTES ? this.#full + 1 : 0;
    if (this.#full < FULL_BEFORE) return;
    this.#buffer = buffers.take();
    if (this.#buffer !== undefined) this.#begin(this.#buffer.places[0]!);
  }

  #join({ places }: JoinBuffer, bytes: number): void {
    this.#to += bytes;
    const isFull = bytes === RECORD_BYTES;
    if (isFull && this.#to < JOINED_BYTES) {
      this.#moved = places[this.#to / RECORD_BYTES]!;
      if (!this.#isDue) this.#parts.turn.read(this);
      this.#isDue = true;
      return;
    }
    this.passOn();
    if (isFull) this.#begin(places[0]!);
    else this.#release();
  }

  #begin(place: Uint8Array): void {
    this.#from = 0;
    this.#to = 0;
    this.#moved = place;
  }

  #release(): void {
    if (this.#buffer === undefined) return;
    this.#parts.buffers.giveBack(this.#buffer);
    this.#buffer = undefined;
    this.#full = 0;
    this.#begin(this.#parts.landing);
  }
}
