import { REDACTED, Secret } from "../core/secret.ts";
import { shownOf } from "../core/secret-source.ts";

/**
 * Keys whose values are secrets, whoever put them there. The second line of defence: the first is
 * not to log them.
 */
const SECRET_KEY =
  /authorization|cookie|passw(?:or)?d|passphrase|secret|token|api[-_]?key|private[-_]?key|credential/iu;
/** `https://user:password@host`: the part before the @. */
const USER_INFO = /:\/\/[^\s/@]+@/gu;

/**
 * `?api_key=...` and its like in a URL: name and value. A name ends where another may begin, so
 * that a text costs one walk.
 */
const QUERY_PAIR = /([?&;][^?&;=\s"']+=)[^&;\s"']+/gu;
/** Secrets of a plan that is told as a text: the key, and the value as JSON has it. */
const PLAN_SECRET = /("(?:literal|otherwise)"\s*:\s*)"(?:[^"\\]|\\.)*"?/gu;
const SECRET_NAME = /key|token|secret|passw|sig|auth|credential/iu;

/**
 * `password=...`, `api_key: ...`, `"token":"..."` anywhere else: the end of a name, what is
 * between, with the scheme of a credential; and the value. What may be long is bounded, or cannot
 * be begun anew within itself, so that a text costs one walk here, too.
 */
const PAIR = new RegExp(
  `((?:${SECRET_KEY.source})[\\w.-]{0,64}\\\\?["']?\\s{0,4}(?:=>?|:)\\s{0,4}(?:(?:basic|bearer|digest|token)\\s{1,4})?)` +
    `(\\\\["'][^"']*["']?|"(?:[^"\\\\]|\\\\.)*"?|'[^']*'?|[^\\s"',;&]+)`,
  "giu",
);
/** `Bearer ...` without a name. */
const SCHEME = /\b((?:basic|bearer)\s{1,4}(?:token\s{1,4})?)([^\s"',;&]+)/giu;
/** Whatever a cookie has, to the end of its line or text. */
const COOKIE = /(cookie\s{0,4}[=:]\s{0,4})[^\r\n"']+/giu;
/** What is said of secrets, and is none: `invalid token: expired`, `Bearer token is missing`. */
const SAID_OF_IT =
  /^(?:auth\w*|credentials?|denied|expired|has|header|invalid|is|malformed|missing|must|no|not|required|revoked|scheme|signature|the|token|unknown|was)[.!:]?$/iu;

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

/**
 * A text that somebody else wrote, cut to 4 KiB, without what looks like a secret in it: in URLs,
 * beside a name, or behind the scheme of a credential.
 */
export function redactText(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}[${text.length - MAX_TEXT} more]` : text;
  return short
    .replaceAll(PLAN_SECRET, `$1"${REDACTED}"`)
    .replaceAll(USER_INFO, `://${REDACTED}@`)
    .replaceAll(QUERY_PAIR, (pair, name: string) => (SECRET_NAME.test(name) ? `${name}${REDACTED}` : pair))
    .replaceAll(COOKIE, `$1${REDACTED}`)
    .replaceAll(PAIR, (pair, before: string, value: string) => hidden(pair, before, value, /:\s+$/u.test(before)))
    .replaceAll(SCHEME, (pair, before: string, value: string) => hidden(pair, before, value, true));
}

function hidden(pair: string, before: string, value: string, mayBeSaid: boolean): string {
  return mayBeSaid && SAID_OF_IT.test(value) ? pair : `${before}${REDACTED}`;
}
