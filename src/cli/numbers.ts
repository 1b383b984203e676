import { shownNumber } from "./admin-client/fields.ts";

/** A share from 0 to 1, for a cell of a table; empty for what is no number. */
export function percent(value: unknown): string {
  return shownNumber(value, (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`);
}

/** For a cell of a table; empty for what is no number. */
export function milliseconds(value: unknown): string {
  return shownNumber(value, (ms) => `${ms} ms`);
}
