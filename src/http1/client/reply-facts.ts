import type { LengthPlace } from "../own/head-reader.ts";
import { badReply, type ReplyBreach, type ReplyHead, type ReplyHeaders } from "./contract.ts";

/** A head, and how its body is told apart from what is behind it. */
export interface WholeHead {
  readonly head: ReplyHead;
  /**
   * Of the body; 0 without one; undefined for chunks, or where the end of the connection ends it.
   */
  readonly length: number | undefined;
  /**
   * Where its digits are, when another head that differs in nothing else means the same but for
   * them; undefined: no other head is like it.
   */
  readonly place: LengthPlace | undefined;
}

/** A length of more digits is no length of ours, whatever its value. */
const MAX_LENGTH_DIGITS = 15;
const DIGITS = /^[0-9]+$/u;
const TIMEOUT = /(?:^|[,\s])timeout\s*=\s*"?(\d{1,9})/iu;

/** What the headers of one reply say of its body and its connection: RFC 9112, 6 and 9. */
export class ReplyFacts {
  readonly #status: number;
  readonly #minor: 0 | 1;
  /** Without a prototype: a header may be called as something that objects have. */
  readonly #headers: Record<string, string | string[]> = Object.create(null);

  constructor(status: number, minor: 0 | 1) {
    this.#status = status;
    this.#minor = minor;
  }

  add(name: string, value: string): void {
    const before = this.#headers[name];
    if (before === undefined) this.#headers[name] = value;
    else if (typeof before === "string") this.#headers[name] = [before, value];
    else before.push(value);
  }

  /** All headers are there. */
  finish(place: LengthPlace): WholeHead | ReplyBreach {
    const encodings = valuesOf(this.#headers, "transfer-encoding");
    const lengths = valuesOf(this.#headers, "content-length");
    const breach = this.#encodingBreach(encodings) ?? lengthBreach(lengths);
    if (breach !== undefined) return breach;
    if (this.#status === 204 || this.#status === 304) {
      return { head: this.#head(false, false), length: 0, place: lengths.length === 0 ? place : undefined };
    }
    if (encodings.length > 0) {
      // Beside a length they count (RFC 9112, 6.3); but then who knows what others make of it.
      const isDoubtful = lengths.length > 0;
      return { head: this.#head(true, isDoubtful), length: undefined, place: isDoubtful ? undefined : place };
    }
    const [length] = lengths;
    if (length === undefined) return { head: this.#head(false, true), length, place: undefined };
    return { head: this.#head(false, false), length: Number(length), place: lengths.length > 1 ? undefined : place };
  }

  #encodingBreach(encodings: readonly string[]): ReplyBreach | undefined {
    const isChunked = encodings.length === 1 && encodings[0]!.toLowerCase() === "chunked" && this.#minor === 1;
    if (encodings.length === 0 || isChunked) return undefined;
    return badReply("bad_transfer_encoding", "transfer-encoding is not chunked alone, in HTTP/1.1 (RFC 9112, 6.1)");
  }

  #head(isChunked: boolean, ends: boolean): ReplyHead {
    const headers = this.#headers;
    const options = valuesOf(headers, "connection").map((option) => option.toLowerCase());
    const closes = options.includes("close") || (this.#minor === 0 && !options.includes("keep-alive"));
    const [, seconds] = TIMEOUT.exec(valuesOf(headers, "keep-alive").join(",")) ?? [];
    const keptMs = seconds === undefined ? undefined : 1_000 * Number(seconds);
    return { status: this.#status, headers, isChunked, closes: closes || ends, keptMs };
  }
}

/** Equal ones are one (RFC 9110, 8.6). */
function lengthBreach(lengths: readonly string[]): ReplyBreach | undefined {
  const [first] = lengths;
  if (first === undefined) return undefined;
  if (lengths.some((each) => each !== first))
    return badReply("bad_length", "it has content-lengths that differ (RFC 9112, 6.3)");
  if (first.length <= MAX_LENGTH_DIGITS && DIGITS.test(first)) return undefined;
  return badReply("bad_length", "content-length is not one number of at most 15 digits");
}

/** Of all headers of this name, and of their lists. */
function valuesOf(headers: ReplyHeaders, name: string): readonly string[] {
  const value = headers[name];
  if (value === undefined) return [];
  const texts = typeof value === "string" ? [value] : value;
  return texts.flatMap((text) => text.split(",")).map((text) => text.trim());
}
