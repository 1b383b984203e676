import { stripVTControlCharacters, styleText } from "node:util";
import { fit } from "../table.ts";

type Style = "plain" | keyof typeof STYLES;

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

/**
 * The line as it is written: at most `columns` wide, without anything that could move the cursor
 * but its colours.
 */
export function paint(line: Line, columns: number, colour: boolean): string {
  let left = columns;
  let out = "";
  for (const { text, style } of line) {
    const shown = fit(clean(text), Math.min(left, text.length));
    left -= shown.length;
    out +=
      colour && style !== "plain" && shown.trim() !== ""
        ? styleText(STYLES[style], shown, { validateStream: false })
        : shown;
    if (left === 0) break;
  }
  return out.trimEnd();
}

/** Colours of the terminal's own palette. */
const STYLES = { bold: "bold", dim: "dim", good: "green", bad: "red", accent: "cyan" } as const;

/** Texts of errors may hold anything. */
function clean(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, " ");
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of at most `width` columns, for a share of 0 to 1, in steps of an eighth of a column. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  return `${"█".repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8] ?? ""}`;
}

/** `1:05` for 65 seconds, `1:00:00` for an hour. */
export function minutes(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
