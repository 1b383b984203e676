import type { z } from "zod";
import { reasonOf } from "../../core/errors.ts";

/** What was read of something that others wrote, or why it cannot be. */
export type Shaped<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** A value of the store that holds JSON, if it has this shape. What it has besides is left out. */
export function readJson<T>(bytes: Uint8Array, schema: z.ZodType<T>): Shaped<T> {
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(bytes));
  } catch (cause) {
    return { ok: false, reason: `it is no JSON: ${reasonOf(cause)}` };
  }
  return checkShape(value, schema);
}

export function checkShape<T>(value: unknown, schema: z.ZodType<T>): Shaped<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  const path = issue?.path.join(".") ?? "";
  return { ok: false, reason: `${path === "" ? "" : `${path}: `}${issue?.message ?? "it has another shape"}` };
}

/** JSON as a value of the store, on one line: `etcdctl get` and `consul kv get` show it so. */
export function writeJson(value: unknown): Uint8Array {
  return ENCODER.encode(JSON.stringify(value));
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });
const ENCODER = new TextEncoder();
