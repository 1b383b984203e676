import { REDACTED, Secret } from "../core/secret.ts";
import { shownOf } from "../core/secret-source.ts";

/**
 * Keys whose values are secrets, whoever put them there. The second line of defence: the first is
 * not to log them.
 */
const SECRET_KEY = /authorization|cookie|passw(or)?d|passphrase|secret|token|api[-_]?key|private[-_]?key|credential/iu;
/** `https://user:password@host`: the part before the @. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/giu;

/**
 * `?api_key=...` and its like in a URL: name and value. A name ends where another may begin, so
 * that a text costs one walk.
 */
const QUERY_PAIR = /([?&;][^?&;=\s"']+=)[^&;\s"']+/gu;
/** Secrets of a plan that is told as a text: the key, and the value as JSON has it. */
const PLAN_SECRET = /("(?:literal|otherwise)"\s*:\s*)"(?:[^"\\]|\\.)*"?/gu;
const SECRET_NAME = /key|token|secret|passw|sig|auth|credential/iu;

const MAX_TEXT = 4_096;
const MAX_DEPTH = 5;
const MAX_ENTRIES = 100;

/**
 * A copy of `value` that JSON can hold: secrets by key, and passwords and keys in URLs, are gone,
 * errors are told by name and message, long texts, deep and wide things are cut off, so that one
 * line has a bound.
 */
export function redact(key: string, value: unknown, depth = 0): unknown {
  if (SECRET_KEY.test(key) && value !== undefined && value !== null && typeof value !== "boolean") return REDACTED;
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "[deeper]";
  return redactObject(key, value, depth + 1);
}

function redactObject(key: string, value: object, depth: number): unknown {
  if (value instanceof Secret) return REDACTED;
  if (value instanceof Error) return redactError(value, depth);
  const shown = shownOf(value);
  if (shown !== undefined) return shown;
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((entry: unknown) => redact(key, entry, depth));
  const entries = value instanceof Map ? [...value].map(([k, v]) => [String(k), v] as const) : Object.entries(value);
  return Object.fromEntries(entries.slice(0, MAX_ENTRIES).map(([name, entry]) => [name, redact(name, entry, depth)]));
}

function redactError(error: Error, depth: number): unknown {
  return {
    name: error.name,
    message: redactText(error.message),
    ...("code" in error ? { code: String(error.code) } : {}),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: redact("cause", error.cause, depth) }),
  };
}

function redactText(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}[${text.length - MAX_TEXT} more]` : text;
  return short
    .replaceAll(PLAN_SECRET, `$1"${REDACTED}"`)
    .replaceAll(USER_INFO, `$1${REDACTED}@`)
    .replaceAll(QUERY_PAIR, (pair, name: string) => (SECRET_NAME.test(name) ? `${name}${REDACTED}` : pair));
}
