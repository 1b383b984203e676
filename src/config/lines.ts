import type { Position } from "../core/problem.ts";

/** Of a text that is long: less than a millisecond finds all of them. */
const BETWEEN_MARKS = 16_384;

/**
 * Lines and columns of a text, both from 1, by offset. A list of all lines would be larger than the
 * text: kept is what every 16,384th character has before it.
 */
export class Lines {
  readonly #text: string;
  /** How far it was looked at: so many lines end before the one that begins here. */
  #before = 0;
  #start = 0;
  /** How many lines end before each mark, and where the line begins that it is in. */
  readonly #marks: { readonly before: number; readonly start: number }[] = [{ before: 0, start: 0 }];

  constructor(text: string) {
    this.#text = text;
  }

  /** Marks as far as the one before the offset. */
  #markTo(offset: number): void {
    const marks = this.#marks;
    while (marks.length * BETWEEN_MARKS <= offset) {
      const end = this.#text.indexOf("\n", this.#start);
      const isLast = end === -1;
      const mark = { before: this.#before, start: this.#start };
      while (marks.length * BETWEEN_MARKS <= (isLast ? offset : end)) marks.push(mark);
      if (isLast) return;
      this.#before++;
      this.#start = end + 1;
    }
  }

  positionAt(offset: number): Position {
    this.#markTo(offset);
    let { before, start } = this.#marks[Math.floor(offset / BETWEEN_MARKS)]!;
    for (;;) {
      const end = this.#text.indexOf("\n", start);
      if (end === -1 || end >= offset) break;
      before++;
      start = end + 1;
    }
    return { line: before + 1, column: offset - start + 1 };
  }
}
