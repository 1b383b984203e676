import type { Breach, HttpLimits, InboundHead } from "./contract.ts";
import { HeadFacts } from "./head-facts.ts";
import { type FieldFault, FieldLine } from "./field-line.ts";
import { CR, LF } from "./octets.ts";
import { foreignBreach, readRequestLine, type RequestLine } from "./request-line.ts";

/** Where the digits of `content-length` lie, from the beginning of the head; -1: there are none. */
export interface LengthPlace {
  at: number;
  end: number;
}

/**
 * Reads one head, line by line. Lines end with CR LF and nothing else; what a line may not hold is
 * found when it is whole. It may be called again with the same bytes and more behind them: then it
 * goes on where it was.
 */
export class HeadReader {
  /** When it is whole. */
  head: InboundHead | undefined;
  length: number | undefined = 0;
  breach: Breach | undefined;
  readonly lengthPlace: LengthPlace = { at: -1, end: -1 };
  readonly #limits: HttpLimits;
  readonly #facts = new HeadFacts();
  readonly #field = new FieldLine();
  #line: RequestLine | undefined;
  /** From the beginning of the head: where the line begins, and how far its end was looked for. */
  #lineAt = 0;
  #searched = 0;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  /**
   * A head that begins at `from`. Returns where it ends; -1: it has not come whole, or `breach`
   * says what is wrong with it.
   */
  read(bytes: Buffer, from: number): number {
    this.breach = this.#foreign(bytes, from);
    if (this.breach !== undefined) return -1;
    for (;;) {
      const lf = bytes.indexOf(LF, from + this.#searched);
      if (lf < 0) {
        this.#searched = bytes.length - from;
        this.breach = this.#tooLong(this.#searched);
        return -1;
      }
      const at = from + this.#lineAt;
      this.#lineAt = lf + 1 - from;
      this.#searched = this.#lineAt;
      this.breach = this.#tooLong(this.#searched) ?? this.#readLine(bytes, at, lf, from);
      if (this.breach !== undefined) return -1;
      if (this.head !== undefined) return lf + 1;
    }
  }

  #tooLong(bytes: number): Breach | undefined {
    const { maxHeadBytes, maxRequestLineBytes } = this.#limits;
    if (bytes > maxHeadBytes)
      return { fault: "head_too_large", message: `the headers are too long: the limit is ${maxHeadBytes} bytes` };
    if (this.#line === undefined && bytes > maxRequestLineBytes)
      return {
        fault: "head_too_large",
        message: `the first line is too long: the limit is ${maxRequestLineBytes} bytes`,
      };
    return undefined;
  }

  /** By the first byte, before any line: a hello of TLS has line ends of HTTP within it. */
  #foreign(bytes: Buffer, from: number): Breach | undefined {
    return this.#line === undefined && from < bytes.length ? foreignBreach(bytes, from) : undefined;
  }

  /** [start, lf): with its CR. */
  #readLine(bytes: Buffer, start: number, lf: number, from: number): Breach | undefined {
    const end = lf - 1;
    const isFirst = this.#line === undefined;
    if (end < start || bytes[end] !== CR) return bareLf(isFirst);
    if (isFirst) {
      const line = readRequestLine(bytes, start, end);
      if ("fault" in line) return line;
      this.#line = line;
      return undefined;
    }
    return end === start ? this.#finish() : this.#readField(bytes, start, end, from);
  }

  #readField(bytes: Buffer, start: number, end: number, from: number): Breach | undefined {
    const field = this.#field;
    const fault = field.read(bytes, start, end);
    if (fault !== undefined) return FIELD_BREACHES[fault];
    const { name, valueAt, valueEnd } = field;
    if (name === "content-length") {
      this.lengthPlace.at = valueAt - from;
      this.lengthPlace.end = valueEnd - from;
    } else if (this.#facts.count >= this.#limits.maxFields) {
      return { fault: "head_too_large", message: `there are more than ${this.#limits.maxFields} headers` };
    }
    return this.#facts.add(name, bytes.toString("latin1", valueAt, valueEnd));
  }

  #finish(): Breach | undefined {
    const head = this.#facts.finish(this.#line!);
    if ("fault" in head) return head;
    this.head = head;
    this.length = this.#facts.length;
    return undefined;
  }
}

const FIELD_BREACHES: Readonly<Record<FieldFault, Breach>> = {
  continued: badField("a header is continued on a second line (RFC 9112, 5.2)"),
  "no name": badField("a header has no name, or no colon right behind it (RFC 9112, 5.1)"),
  "bad value": badField("a header has a control character, or a line end that is not CR LF"),
};

function badField(why: string): Breach {
  return { fault: "bad_header", message: `this is no HTTP/1.1 request: ${why}` };
}

function bareLf(isFirst: boolean): Breach {
  const fault = isFirst ? "bad_request_line" : "bad_header";
  return { fault, message: "this is no HTTP/1.1 request: a line ends with LF without CR (RFC 9112, 2.2)" };
}
