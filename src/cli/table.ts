import { inOneLine } from "./print.ts";

export interface Column<Row> {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly align?: "right";
  /** Cut, with an ellipsis, when the table is wider than the terminal; others never are. */
  readonly cut?: boolean;
  readonly of: (row: Row) => string;
}

/**
 * Columns with two spaces between them and titles above, in at most `width` characters where
 * cutting makes that possible.
 */
export function tableText<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string {
  const cells = rows.map((row) => columns.map(({ of }) => inOneLine(of(row))));
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  let excess = widths.reduce((sum, one) => sum + one + GAP, -GAP) - width;
  for (const [i, { cut }] of columns.entries()) {
    if (cut !== true || excess <= 0) continue;
    const narrower = Math.max(LEAST, (widths[i] ?? 0) - excess);
    excess -= Math.max(0, (widths[i] ?? 0) - narrower);
    widths[i] = Math.min(widths[i] ?? 0, narrower);
  }
  const line = (row: readonly string[]): string =>
    `${columns
      .map(({ align }, i) => fit(row[i] ?? "", widths[i] ?? 0, align))
      .join(" ".repeat(GAP))
      .trimEnd()}\n`;
  return [columns.map(({ title }) => title), ...cells].map(line).join("");
}

const GAP = 2;
const LEAST = 6;

/** Exactly `width` columns: filled up, or cut with an ellipsis. */
export function fit(text: string, width: number, align: "left" | "right" = "left"): string {
  if (text.length > width) return width < 1 ? "" : `${text.slice(0, width - 1)}…`;
  return align === "left" ? text.padEnd(width) : text.padStart(width);
}
