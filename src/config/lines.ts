import type { Position } from "../core/problem.ts";

/** Of a text that is long: less than a millisecond finds all of them. */
const BETWEEN_MARKS = 16_384;

/**
 * Lines and columns of a text, both from 1, by offset. A list of all lines would be larger than the
 * text: kept is what every 16,384th character has before it.
 */
export class Lines {
  readonly #text: string;
  /** How many lines end before each mark, and where the line begins that it is in. */
  readonly #marks: { readonly before: number; readonly start: number }[] = [{ before: 0, start: 0 }];

  constructor(text: string) {
    this.#text = text;
    let before = 0;
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      while (this.#marks.length * BETWEEN_MARKS <= end) this.#marks.push({ before, start });
      before++;
      start = end + 1;
    }
    while (this.#marks.length * BETWEEN_MARKS <= text.length) this.#marks.push({ before, start });
  }

  positionAt(offset: number): Position {
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
