import { parseText } from "../../config/document.ts";
import { mapComments } from "./comments.ts";
import { renderBlock } from "./render.ts";
import { rewriteText } from "./rewrite.ts";
import { isValues } from "./rewriting.ts";

/** What stands in the place of a secret. */
export const REDACTED = "[redacted]";

/** Where a document has secrets; `*` is any key or index. */
export const SECRET_PATHS: readonly (readonly string[])[] = [
  ["node", "listen", "*", "tls", "key"],
  ["node", "coordination", "password"],
  ["node", "coordination", "token"],
  ["node", "admin", "tokens", "*", "value"],
  ["targets", "*", "headers", "*"],
  ["targets", "*", "health_check", "headers", "*"],
  ["targets", "*", "tls", "key"],
  ["targets", "*", "proxy"],
];

/** The values with secrets redacted. References such as `${env:NAME}` stay: they show where a secret is, not what it is. */
export function redactRoot(root: unknown): unknown {
  return SECRET_PATHS.reduce((values, path) => mapAt(values, path, redactAt(path)), root);
}

/** One rule, pool or target with secrets redacted. */
export function redactElement(section: string, value: unknown): unknown {
  const within = SECRET_PATHS.filter(([first]) => first === section);
  return within.reduce((values, path) => mapAt(values, path.slice(2), redactAt(path)), value);
}

/** The text with secrets redacted, also where a comment repeats one, however short it is. Otherwise as it is. */
export function redactText(text: string): string {
  const parsed = parseText(text);
  if (!parsed.ok) return REDACTED;
  const { root } = parsed.document;
  const redacted = redactRoot(root);
  let result = rewriteText(text, redacted) ?? `${renderBlock(redacted, 0, "quotes")}\n`;
  const literals = literalsOf(root).filter((secret) => secret !== "");
  for (const secret of literals) if (secret.length >= MIN_LENGTH) result = result.replaceAll(secret, REDACTED);
  // Whatever its length: who reads around it in a comment would know what is missing, so that all of the comment goes.
  const short = literals.filter((secret) => secret.length < MIN_LENGTH);
  if (short.length === 0) return result;
  return mapComments(result, (comment) =>
    short.some((secret) => comment.includes(secret)) ? `# ${REDACTED}` : comment,
  );
}

/**
 * Values of which some were read redacted, with what they stood for: `[redacted]` in the place of a secret means that it stays.
 * Elements of lists are found by their ids, others by place.
 */
export function restoreSecrets(values: unknown, known: unknown): unknown {
  return SECRET_PATHS.reduce((root, path) => restoreAt(root, known, path, redactAt(path)), values);
}

/** As above, for one rule, pool or target. */
export function restoreElement(section: string, value: unknown, known: unknown): unknown {
  const within = SECRET_PATHS.filter(([first]) => first === section);
  return within.reduce((root, path) => restoreAt(root, known, path.slice(2), redactAt(path)), value);
}

/** Where `[redacted]` still stands although a secret has to: it would be sent as it is. */
export function unrestored(root: unknown): (string | number)[][] {
  return SECRET_PATHS.flatMap((path) => placesOf(root, path, []));
}

/** Shorter secrets would be found in words and values that are none. */
const MIN_LENGTH = 8;
const REFERENCE = /\$\$\{|\$\{(?<kind>env|file):(?<name>[^}]*?)(?<otherwise>:-[^}]*)?\}/gu;
const PEM_START = "-----BEGIN ";

type Redact = (value: unknown) => unknown;

function redactAt(path: readonly string[]): Redact {
  // A key is usually the path of a file, which is no secret.
  const isFile = path.at(-2) === "tls";
  const isProxy = path.at(-1) === "proxy";
  return (value) => {
    if (typeof value !== "string") return value === undefined || value === null ? value : REDACTED;
    if (isProxy && !value.includes("@") && !value.includes("${")) return value; // nobody's password is in it
    return isFile && !value.includes(PEM_START) && !value.includes("${") ? value : redactLiterals(value);
  };
}

/** Everything but references; what a reference falls back to is a literal too. */
function redactLiterals(text: string): string {
  let result = "";
  let at = 0;
  for (const match of text.matchAll(REFERENCE)) {
    if (match[0] === "$${") continue;
    const { kind = "", name = "", otherwise } = match.groups ?? {};
    if (match.index > at) result += REDACTED;
    result += `\${${kind}:${name}${otherwise === undefined ? "" : `:-${REDACTED}`}}`;
    at = match.index + match[0].length;
  }
  return at < text.length ? result + REDACTED : result;
}

function literalsOf(root: unknown): string[] {
  const found: string[] = [];
  for (const path of SECRET_PATHS) {
    mapAt(root, path, (value) => {
      if (typeof value === "string" ? redactAt(path)(value) === REDACTED : typeof value === "number") {
        found.push(String(value));
        if (path.at(-1) === "proxy") found.push(...credentialsOf(String(value)));
      }
      return value;
    });
  }
  return found;
}

/** Of a URL: what a comment may repeat of it. */
function credentialsOf(text: string): string[] {
  if (!URL.canParse(text)) return [];
  const { username, password } = new URL(text);
  return [username, password, ...[username, password].map(decodePercent)];
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function mapAt(value: unknown, path: readonly string[], change: Redact): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  if (Array.isArray(value)) return key === "*" ? value.map((item) => mapAt(item, rest, change)) : value;
  if (!isValues(value)) return value;
  const entries = Object.entries(value).map(([name, entry]) =>
    key === "*" || key === name ? [name, mapAt(entry, rest, change)] : [name, entry],
  );
  return Object.fromEntries(entries);
}

function restoreAt(value: unknown, known: unknown, path: readonly string[], redact: Redact): unknown {
  const [key, ...rest] = path;
  if (key === undefined) {
    return typeof value === "string" && value.includes(REDACTED) && redact(known) === value ? known : value;
  }
  if (Array.isArray(value)) {
    return key === "*" ? value.map((item, i) => restoreAt(item, counterpart(item, i, known), rest, redact)) : value;
  }
  if (!isValues(value)) return value;
  const entries = Object.entries(value).map(([name, entry]) =>
    key === "*" || key === name
      ? [name, restoreAt(entry, isValues(known) ? known[name] : undefined, rest, redact)]
      : [name, entry],
  );
  return Object.fromEntries(entries);
}

function placesOf(value: unknown, keys: readonly string[], path: (string | number)[]): (string | number)[][] {
  const [key, ...rest] = keys;
  if (key === undefined) return typeof value === "string" && value.includes(REDACTED) ? [path] : [];
  if (Array.isArray(value)) return key === "*" ? value.flatMap((item, i) => placesOf(item, rest, [...path, i])) : [];
  if (!isValues(value)) return [];
  const names = Object.keys(value).filter((name) => key === "*" || key === name);
  return names.flatMap((name) => placesOf(value[name], rest, [...path, name]));
}

function counterpart(item: unknown, at: number, known: unknown): unknown {
  if (!Array.isArray(known)) return undefined;
  if (!isValues(item) || item["id"] === undefined) return (known as readonly unknown[])[at];
  return known.find((other: unknown) => isValues(other) && other["id"] === item["id"]);
}
