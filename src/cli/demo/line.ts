import { stripVTControlCharacters } from "node:util";

export type Style = "plain" | "bold" | "dim" | "good" | "bad" | "accent";

/** Text in one style. Every character is taken to be one column wide. */
export interface Piece {
  readonly text: string;
  readonly style: Style;
}
/** One line of the terminal. */
export type Line = readonly Piece[];

export function piece(text: string, style: Style = "plain"): Piece {
  return { text, style };
}

/** Exactly `width` columns: filled up, or cut with an ellipsis. */
export function cell(text: string, width: number, align: "left" | "right" = "left"): string {
  if (text.length > width) return width < 1 ? "" : `${text.slice(0, width - 1)}…`;
  return align === "left" ? text.padEnd(width) : text.padStart(width);
}

/** The line as it is written: at most `columns` wide, without anything that could move the cursor but its colours. */
export function paint(line: Line, columns: number, colour: boolean): string {
  let left = columns;
  let out = "";
  for (const { text, style } of line) {
    const shown = cell(clean(text), Math.min(left, text.length));
    left -= shown.length;
    out += colour && style !== "plain" && shown.trim() !== "" ? `\u001B[${SGR[style]}m${shown}\u001B[0m` : shown;
    if (left === 0) break;
  }
  return out.trimEnd();
}

/** Select Graphic Rendition, ECMA-48: colours of the terminal's own palette. */
const SGR: Readonly<Record<Exclude<Style, "plain">, string>> = {
  bold: "1",
  dim: "2",
  good: "32",
  bad: "31",
  accent: "36",
};

/** Texts of errors may hold anything. */
function clean(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, " ");
}
