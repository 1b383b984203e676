import { shownNumber } from "./admin-client/fields.ts";

/** A share from 0 to 1, for a cell of a table; empty for what is no number. */
export function percent(value: unknown): string {
  return shownNumber(value, (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`);
}

/** Items a second and the like, to a tenth; empty for what is no number. */
export function amount(value: unknown): string {
  return shownNumber(value, (one) => String(Math.round(one * 10) / 10));
}

/** For a cell of a table; empty for what is no number. */
export function milliseconds(value: unknown): string {
  return shownNumber(value, (ms) => `${ms} ms`);
}
