import { truncate } from "../core/truncate.ts";
import type { Output } from "./command.ts";
import { inOneLine, wrapped } from "./print.ts";

export interface Column<Row> {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly align?: "right";
  /** Words: they go on below, when the table is wider than the terminal; others never do. */
  readonly wraps?: boolean;
  readonly of: (row: Row) => string;
}

/** Where a table is written. */
export type TablePlace = Pick<Output, "columns" | "isTty">;

/**
 * Columns with two spaces between them and titles above. On a terminal those that wrap are made
 * narrower until all fit, as far as that goes; what is read by a program has each row in one line.
 * Nothing is cut.
 */
export function tableText<Row>(columns: readonly Column<Row>[], rows: readonly Row[], place: TablePlace): string {
  const cells = rows.map((row) => columns.map(({ of }) => inOneLine(of(row))));
  const titles = columns.map(({ title }) => title);
  const natural = titles.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const widths = place.isTty ? narrowed(columns, natural, place.columns) : natural;
  return [titles, ...cells].flatMap((row) => rowLines(columns, row, widths)).join("");
}

const GAP = 2;
/** What wraps is no narrower, unless it is so by itself. */
const LEAST = 16;

/** The widest of those that wrap gives first. */
function narrowed<Row>(columns: readonly Column<Row>[], natural: readonly number[], width: number): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, one) => sum + one + GAP, -GAP) - width;
  for (; excess > 0; excess--) {
    let widest = -1;
    for (const [i, { wraps, title }] of columns.entries()) {
      const mayGive = wraps === true && widths[i]! > Math.max(LEAST, title.length);
      if (mayGive && (widest < 0 || widths[i]! > widths[widest]!)) widest = i;
    }
    if (widest < 0) break;
    widths[widest]!--;
  }
  return widths;
}

function rowLines<Row>(columns: readonly Column<Row>[], row: readonly string[], widths: readonly number[]): string[] {
  const parts = row.map((cell, i) => pieces(cell, widths[i] ?? 0));
  const height = Math.max(...parts.map(({ length }) => length));
  return Array.from({ length: height }, (_, at) => {
    const line = columns.map(({ align }, i) => fit(parts[i]?.[at] ?? "", widths[i] ?? 0, align));
    return `${line.join(" ".repeat(GAP)).trimEnd()}\n`;
  });
}

/** Broken between words; one that is longer than a line within it, after a mark if it has one. */
function pieces(text: string, width: number): string[] {
  return text.length <= width ? [text] : wrapped(text, width, 0).flatMap((line) => brokenWord(line, width));
}

function brokenWord(line: string, width: number): string[] {
  const parts: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const at = /^.+[^\p{L}\p{N}]/u.exec(rest.slice(0, width))?.[0].length ?? width;
    parts.push(rest.slice(0, at));
    rest = rest.slice(at);
  }
  return [...parts, rest];
}

/** Exactly `width` columns: filled up, or cut with an ellipsis. */
export function fit(text: string, width: number, align: "left" | "right" = "left"): string {
  const shown = width < 1 ? "" : truncate(text, width);
  return align === "left" ? shown.padEnd(width) : shown.padStart(width);
}
