import { fieldsOf } from "../admin-client/answer.ts";

/** A member of a JSON object, as a cell of a table: lists with commas, nothing for what is not there. */
export function cell(row: unknown, name: string): string {
  return shown(fieldsOf(row)[name]);
}

/** Any JSON value in a few words. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(shown).join(",");
  return JSON.stringify(value);
}

/** A finite number, or undefined. */
export function numberIn(row: unknown, name: string): number | undefined {
  const value = fieldsOf(row)[name];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
