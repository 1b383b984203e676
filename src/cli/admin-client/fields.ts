import { type Values, valuesOf } from "../../config/values.ts";

/** The members of a JSON object; none for anything else. */
export function fieldsOf(body: unknown): Values {
  return valuesOf(body) ?? {};
}

/**
 * Any JSON value in a few words, as a cell of a table: lists with commas, nothing for what is not
 * there.
 */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(shown).join(",");
  return JSON.stringify(value);
}

/** A number as `text` writes it; empty for all else. */
export function shownNumber(value: unknown, text: (value: number) => string): string {
  return typeof value === "number" && Number.isFinite(value) ? text(value) : "";
}

/**
 * How long ago, or how long until, a moment is, in its one or two largest units: `3m20s`; empty
 * when it is none.
 */
export function ageText(moment: unknown, nowMs: number): string {
  const ms = timeOf(moment);
  return Number.isNaN(ms) ? "" : spanText(Math.abs(nowMs - ms));
}

/** Milliseconds since 1970; NaN: it is no moment. */
export function timeOf(moment: unknown): number {
  // oxlint-disable-next-line no-restricted-globals -- reads a given time; does not ask for one
  return typeof moment === "string" ? Date.parse(moment) : Number.NaN;
}

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
] as const;

function spanText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  for (const [i, [unit, size]] of UNITS.entries()) {
    if (seconds < size) continue;
    const [nextUnit, nextSize] = UNITS[i + 1] ?? ["s", 1];
    const rest = Math.floor((seconds % size) / nextSize);
    return `${Math.floor(seconds / size)}${unit}${rest === 0 ? "" : `${rest}${nextUnit}`}`;
  }
  return `${seconds}s`;
}
