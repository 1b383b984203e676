import type { JsonCursor } from "./json-cursor.ts";
import type { Field, Message } from "./message.ts";

/** A field of a message as a text is read: by its name. */
export interface NamedField {
  readonly field: Field;
  readonly name: Uint8Array;
  /** Its place among the fields of the message. */
  readonly place: number;
  /** Number and wire type. */
  readonly tag: number;
  /** Of what is below it; undefined for scalars. */
  readonly fields: NamedFields | undefined;
  /** What the limits of requests count its elements as. */
  readonly counts: number;
  /** Bytes that the length of the last one took. */
  lengthBytes: number;
}

/**
 * The fields of a message by their names. Who writes a text writes fields in the same order each
 * time: so the one is tried first that followed last time.
 */
export class NamedFields {
  readonly #fields: NamedField[] = [];
  /** By hash; of several with the same one each has a place behind the other. */
  readonly #byHash: (NamedField | undefined)[] = Array.from({ length: SLOTS });
  /** By the place of a field, one higher: which one followed it. At 0: which one came first. */
  readonly #followed: NamedField[] = [];

  /** `of`: those of the messages below. Afterwards, for messages may be below themselves. */
  fill(message: Message, of: (field: Field) => NamedFields | undefined, counts: (field: Field) => number): void {
    for (const [place, field] of message.fields.entries()) {
      const name = Uint8Array.from(field.name, (letter) => letter.charCodeAt(0));
      const named = { field, name, place, tag: tagOf(field), fields: of(field), counts: counts(field), lengthBytes: 1 };
      this.#fields.push(named);
      let slot = hashOf(name.length, name[0]!, name.at(-1)!);
      while (this.#byHash[slot] !== undefined) slot = (slot + 1) % SLOTS;
      this.#byHash[slot] = named;
    }
    for (let place = 0; place <= this.#fields.length; place++) {
      this.#followed.push(this.#fields[place % this.#fields.length]!);
    }
  }

  /**
   * Takes the name at the cursor. `after` is the place of the field before, or -1. Undefined: it is
   * none of them, and nothing is taken.
   */
  take(c: JsonCursor, after: number): NamedField | undefined {
    const guess = this.#followed[after + 1]!;
    if (c.takeText(guess.name)) return guess;
    const end = c.plainEnd();
    if (end <= c.at + 1) return undefined;
    let slot = hashOf(end - c.at - 1, c.bytes[c.at + 1]!, c.bytes[end - 1]!);
    for (let named = this.#byHash[slot]; named !== undefined; named = this.#byHash[slot]) {
      if (c.takeText(named.name)) {
        this.#followed[after + 1] = named;
        return named;
      }
      slot = (slot + 1) % SLOTS;
    }
    return undefined;
  }
}

/** No message of OTLP has more than 16 fields. */
const SLOTS = 64;

function hashOf(length: number, first: number, last: number): number {
  return (length * 5 + first * 3 + last) % SLOTS;
}

const LEN = 2;

function tagOf({ kind, number, wire }: Field): number {
  return number * 8 + (kind === "scalar" ? wire : LEN);
}
