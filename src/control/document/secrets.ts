import { Lexer } from "yaml";
import { TARGET_PLACES } from "../../config/discovered.ts";
import { parseText } from "../../config/document.ts";
import type { Path } from "../../config/finding.ts";
import { mapPlaces, placesOf, textOf, valueAt } from "../../config/values.ts";
import { renderBlock } from "./render.ts";
import { rewriteText } from "./rewrite.ts";

/** What stands in the place of a secret. */
export const REDACTED = "[redacted]";

/** Where a document has secrets; `*` is any key or index. */
export const SECRET_PATHS: readonly (readonly string[])[] = [
  ["node", "listen", "*", "tls", "key"],
  ["node", "coordination", "password"],
  ["node", "coordination", "token"],
  ["node", "coordination", "tls", "key"],
  ["node", "fleet", "listen", "tls", "key"],
  ["node", "fleet", "token"],
  ["node", "fleet", "accept_tokens", "*"],
  ["node", "fleet", "tls", "key"],
  ["node", "admin", "tokens", "*", "value"],
  ...TARGET_PLACES.flatMap((target) => [
    [...target, "headers", "*"],
    [...target, "health_check", "headers", "*"],
    [...target, "tls", "key"],
  ]),
  ["targets", "*", "proxy"],
];

/**
 * The values with secrets redacted. References such as `${env:NAME}` stay: they show where a secret
 * is, not what it is.
 */
export function redactRoot(root: unknown): unknown {
  return SECRET_PATHS.reduce((values, path) => mapPlaces(values, path, redactAt(path)), root);
}

/** One rule, pool or target with secrets redacted. */
export function redactElement(section: string, value: unknown): unknown {
  return valueAt(redactRoot({ [section]: [value] }), section, 0);
}

/**
 * The text with secrets redacted, also where a comment repeats one, however short it is. Otherwise
 * as it is.
 */
export function redactText(text: string): string {
  const parsed = parseText(text);
  if (!parsed.ok) return REDACTED;
  const { root } = parsed.document;
  const redacted = redactRoot(root);
  let result = rewriteText(text, redacted) ?? `${renderBlock(redacted, 0, "quotes")}\n`;
  const literals = literalsOf(root).filter((secret) => secret !== "");
  for (const secret of literals) if (secret.length >= MIN_LENGTH) result = result.replaceAll(secret, REDACTED);
  // Whatever its length: who reads around it in a comment would know what is missing, so that all
  // of the comment goes.
  const short = literals.filter((secret) => secret.length < MIN_LENGTH);
  if (short.length === 0) return result;
  return mapComments(result, (comment) =>
    short.some((secret) => comment.includes(secret)) ? `# ${REDACTED}` : comment,
  );
}

/**
 * Values of which some were read redacted, with what they stood for: `[redacted]` in the place of a
 * secret means that it stays. Elements of lists are found by their ids, others by place.
 */
export function restoreSecrets(values: unknown, known: unknown): unknown {
  return SECRET_PATHS.reduce((root, path) => restoreAt(root, known, path), values);
}

/** As above, for one rule, pool or target. */
export function restoreElement(section: string, value: unknown, known: unknown): unknown {
  return valueAt(restoreSecrets({ [section]: [value] }, { [section]: [known] }), section, 0);
}

/** Where `[redacted]` still stands although a secret has to: it would be sent as it is. */
export function unrestored(root: unknown): Path[] {
  const places = SECRET_PATHS.flatMap((pattern) => placesOf(root, pattern));
  return places.flatMap(({ value, path }) => (textOf(value)?.includes(REDACTED) === true ? [path] : []));
}

/**
 * Where a secret stands as it is, and not as a reference: also what a reference falls back to.
 * Paths of files and proxies without a password are none.
 */
export function literalSecretsIn(root: unknown): Path[] {
  return SECRET_PATHS.flatMap((pattern) =>
    placesOf(root, pattern).flatMap(({ value, path }) => {
      const shown = redactAt(pattern)(value);
      const isWhole = shown === REDACTED || (typeof shown === "string" && shown.includes(`:-${REDACTED}`));
      return isWhole || hasLiteralPart(textOf(value) ?? "", pattern) ? [path] : [];
    }),
  );
}

/**
 * Beside a reference: a part of a secret that would be readable. What comes before a header's
 * secret may be named: `Bearer `, `Token token=`; of a proxy only the password is one.
 */
function hasLiteralPart(text: string, pattern: readonly string[]): boolean {
  if (!text.includes("${") || pattern.at(-2) === "tls") return false;
  const marked = text.replaceAll(REFERENCE, (reference) => (reference === "$${" ? "x" : MARK));
  if (pattern.at(-1) !== "proxy") return isReadable(marked.replace(SCHEME, ""));
  const user = /^[^/]*\/\/(?<user>[^/]*)@/u.exec(marked)?.groups?.["user"] ?? "";
  return isReadable(user.slice(user.indexOf(":") + 1)) && user.includes(":");
}

/** In the place of a reference: nobody writes it. */
const MARK = "\uE000";
const SCHEME = /^[A-Za-z][A-Za-z_-]*(?: +[A-Za-z_-]+)?[ =]+"?(?=\uE000)/u;

/** Signs alone, as between two references, tell nothing. */
function isReadable(marked: string): boolean {
  return /[\p{L}\p{N}]/u.test(marked);
}

/** Shorter secrets would be found in words and values that are none. */
const MIN_LENGTH = 8;
const REFERENCE = /\$\$\{|\$\{(?<kind>env|file):(?<name>[^}]*?)(?<otherwise>:-[^}]*)?\}/gu;
const PEM_START = "-----BEGIN ";

function redactAt(path: readonly string[]): (value: unknown) => unknown {
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
  return SECRET_PATHS.flatMap((pattern) =>
    placesOf(root, pattern).flatMap(({ value }) => {
      const isLiteral = typeof value === "string" ? redactAt(pattern)(value) === REDACTED : typeof value === "number";
      if (!isLiteral) return [];
      return [String(value), ...(pattern.at(-1) === "proxy" ? credentialsOf(String(value)) : [])];
    }),
  );
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

function restoreAt(values: unknown, known: unknown, pattern: readonly string[]): unknown {
  const redact = redactAt(pattern);
  return mapPlaces(values, pattern, (value, path) => {
    if (typeof value !== "string" || !value.includes(REDACTED)) return value;
    const before = counterpart(known, values, path);
    return redact(before) === value ? before : value;
  });
}

/** What stands in the known values where the path leads to in others. */
function counterpart(known: unknown, values: unknown, path: Path): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return known;
  const at = valueAt(values, part);
  const id = valueAt(at, "id");
  const isListed = Array.isArray(known) && id !== undefined;
  const before = isListed ? known.find((other: unknown) => valueAt(other, "id") === id) : valueAt(known, part);
  return counterpart(before, at, rest);
}

/**
 * The text with its comments changed; each is handed over from its # to the end of its line. All
 * else stays as it is.
 */
export function mapComments(text: string, change: (comment: string) => string): string {
  let result = "";
  let isScalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    const isMark = MARKS.has(lexeme);
    if (!isMark) result += !isScalar && lexeme.startsWith("#") ? change(lexeme) : lexeme;
    isScalar = lexeme === SCALAR;
  }
  return result;
}

/** The lexer's own signs, which are in no text: the next lexeme is a scalar as it stands. */
const SCALAR = "\u001F";
const MARKS = new Set([SCALAR, "\u0002", "\u0018"]);
