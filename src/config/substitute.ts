import { resolve as resolvePath } from "node:path";
import { MANY_ITEMS, RecentList } from "../core/recent-list.ts";
import { Secret } from "../core/secret.ts";
import { literal, secretRef, type SecretSource } from "../core/secret-source.ts";
import type { Finding, Path } from "./finding.ts";
import { fault } from "./finding.ts";
import { isNamePath, type Taint } from "./taint.ts";

export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  /**
   * The whole path of a file that is named but not read here. Default: from the folder of the
   * process.
   */
  readonly resolvePath?: (path: string) => string;
  /**
   * What may be read of this machine. Default: everything, as befits a file that somebody has put
   * here.
   */
  readonly policy?: ReferencePolicy;
}

/** What a reference stands for: a variable of the environment, or a file by its path as written. */
export interface Reference {
  readonly kind: "env" | "file";
  readonly name: string;
}

export interface ReferencePolicy {
  /**
   * `follow` it, `refuse` it as a problem, or leave it `unread`: then nothing is said of the text
   * that has it. `path`: where the text stands.
   */
  follow(reference: Reference, path: Path): "follow" | "refuse" | "unread";
  /** Whether this text with a reference may stand where a name does that is shown everywhere. */
  mayBeName(path: Path, written: string): boolean;
  /** Where the document comes from that has the references; default: the API. */
  readonly from?: "api" | "store";
}

interface Substituted {
  /** With references replaced. */
  readonly root: unknown;
  /** With references as they are written: nothing of this machine is in it. */
  readonly written: unknown;
  readonly findings: Finding[];
  readonly taints: Taint[];
  /** Texts of which a reference was left unread. */
  readonly unread: Path[];
}

/**
 * The values with `${env:NAME}`, `${env:NAME:-default}` and `${file:path}` replaced in texts, and
 * `$${` as `${`. What is put in is never looked at again. A text with a fault stays as it is.
 */
export function substitute(root: unknown, sources: Sources): Substituted {
  const found: Omit<Substituted, keyof Both> = { findings: [], taints: [], unread: [] };
  return { ...walk(root, [], { ...found, sources }), ...found };
}

/** All references in the texts of a document, as they are written in it. */
export function referencesIn(root: unknown): Reference[] {
  if (typeof root === "string") {
    return [...root.matchAll(REFERENCE)].flatMap(({ groups }) => {
      const known = groups?.["body"] === undefined ? undefined : readReference(groups["body"]);
      return known === undefined ? [] : [known];
    });
  }
  if (typeof root !== "object" || root === null || !hasReference(root)) return [];
  return Object.values(root).flatMap(referencesIn);
}

type Both = Pick<Substituted, "root" | "written">;

interface Substitution extends Omit<Substituted, keyof Both> {
  readonly sources: Sources;
}

function walk(value: unknown, path: Path, work: Substitution): Both {
  if (typeof value === "string") return value.includes("${") ? replaceIn(value, path, work) : same(value);
  if (typeof value !== "object" || value === null || !hasReference(value)) return same(value);
  if (Array.isArray(value)) {
    const items = value.map((item, i) => walk(item, [...path, i], work));
    return { root: items.map(({ root }) => root), written: items.map(({ written }) => written) };
  }
  const entries = Object.entries(value).map(([key, entry]) => [key, walk(entry, [...path, key], work)] as const);
  return {
    root: Object.fromEntries(entries.map(([key, { root }]) => [key, root])),
    written: Object.fromEntries(entries.map(([key, { written }]) => [key, written])),
  };
}

/** Whether something stands in it that begins like a reference: of 10,000 rules in few. */
function hasReference(value: unknown): boolean {
  if (typeof value === "string") return value.includes("${");
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.length < MANY_ITEMS ? value.some(hasReference) : hasReferenceInMany(value);
  if (without.has(value)) return false;
  for (const key in value) if (hasReference(Reflect.get(value, key))) return true;
  if ("id" in value) without.add(value);
  return false;
}

function hasReferenceInMany(list: readonly unknown[]): boolean {
  const { from, to } = recent.changeTo(list);
  isRecentWithout = (isRecentWithout || to - from === list.length) && !list.slice(from, to).some(hasReference);
  return !isRecentWithout && list.some(hasReference);
}

const recent = new RecentList();
/** Whether it is known that none stands in the recent list. */
let isRecentWithout = false;

/** Rules and their like that have none: they are not looked through again. */
const without = new WeakSet<object>();

function same(value: unknown): Both {
  return { root: value, written: value };
}

const REFERENCE = /\$\$\{|\$\{(?<body>[^}]*)\}|\$\{/gu;
const ESCAPE_HINT = "${env:NAME}, ${env:NAME:-default} or ${file:path}; write $${ for the characters ${";

function replaceIn(text: string, path: Path, work: Substitution): Both {
  const { findings, taints, unread, sources } = work;
  const before = findings.length;
  const parts: { written: string; value: Secret }[] = [];
  const opaque: string[] = [];
  const replaced = text.replace(REFERENCE, (match: string, body: string | undefined) => {
    if (match === "$${") return "${";
    const found = body === undefined ? { message: '"${" has no "}"', hint: ESCAPE_HINT } : resolve(body, path, sources);
    if ("message" in found) findings.push(fault(path, found.message, found.hint));
    if ("unread" in found) opaque.push(match);
    if (!("text" in found)) return match;
    if (found.isForeign) parts.push({ written: match, value: new Secret(found.text) });
    return found.text;
  });
  if (opaque.length > 0) unread.push(path);
  if (opaque.length > 0 || findings.length > before) return same(text);
  if (parts.length === 0) return same(replaced);
  if (isNamePath(path) && sources.policy?.mayBeName(path, text) === false) findings.push(fault(path, ...NO_NAME));
  taints.push({ path, written: text, value: new Secret(replaced), parts, source: sourceOfText(text, sources) });
  return { root: replaced, written: text };
}

/** Where the parts of a text come from. */
function sourceOfText(text: string, sources: Sources): SecretSource {
  const parts: SecretSource[] = [];
  let told = 0;
  const plain = (end: number): void => void (end > told && parts.push(literal(text.slice(told, end))));
  for (const { 0: match, index, groups } of text.matchAll(REFERENCE)) {
    plain(index);
    const found = groups?.["body"] === undefined ? undefined : readReference(groups["body"]);
    parts.push(found ? sourceOf(found, found.otherwise, sources) : literal(match.replace("$${", "${")));
    told = index + match.length;
  }
  plain(text.length);
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : { parts };
}

/** A reference by which another process finds the same: files by their whole paths. */
export function sourceOf({ kind, name }: Reference, otherwise: string | undefined, sources: Sources): SecretSource {
  const wholePath = sources.resolvePath ?? ((path: string) => resolvePath(path));
  return secretRef(`${kind}:${kind === "env" ? name : wholePath(name)}`, otherwise);
}

const NO_NAME = [
  "is shown everywhere, so that what comes by the API cannot take it from a reference",
  "write the name itself, or write the reference into the config file",
] as const;

type FoundReference =
  | { readonly text: string; readonly isForeign: boolean }
  | { readonly unread: true }
  | { readonly message: string; readonly hint: string };

function resolve(body: string, path: Path, sources: Sources): FoundReference {
  const reference = readReference(body);
  if (reference === undefined) return { message: `"\${${body}}" is not a substitution`, hint: ESCAPE_HINT };
  const answer = sources.policy?.follow(reference, path) ?? "follow";
  if (answer === "unread") return { unread: true };
  const { kind, name } = reference;
  if (answer === "refuse") return refused(kind, `\${${kind}:${name}}`, sources.policy);
  return kind === "env" ? resolveVariable(name, reference.otherwise, sources) : resolveFile(name, sources);
}

/** What the API may not read. `what` is the reference as it is written. */
export function refused(
  kind: Reference["kind"],
  what: string,
  policy: ReferencePolicy | undefined,
): { readonly message: string; readonly hint: string } {
  const key = `node.secrets.${kind === "env" ? "env" : "files"}`;
  if (policy?.from === "store") {
    const message = `${what} may not be read on this node for the config of its fleet`;
    return { message, hint: `allow it in the node's own config file: ${key}` };
  }
  return {
    message: `${what} may not be read for a config that comes by the API`,
    hint: `let the config file have it first, or allow it there with ${key}`,
  };
}

function readReference(body: string): (Reference & { readonly otherwise: string | undefined }) | undefined {
  const variable = /^env:(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<otherwise>.*))?$/su.exec(body)?.groups;
  if (variable !== undefined) return { kind: "env", name: variable["name"] ?? "", otherwise: variable["otherwise"] };
  if (!body.startsWith("file:") || body.length === "file:".length) return undefined;
  return { kind: "file", name: body.slice("file:".length), otherwise: undefined };
}

/** What a variable stands for, or why it stands for nothing. */
export function resolveVariable(
  name: string,
  otherwise: string | undefined,
  { env }: Pick<Sources, "env">,
): { readonly text: string; readonly isForeign: boolean } | { readonly message: string; readonly hint: string } {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  // What a reference falls back to stands in the document.
  if (otherwise !== undefined && (value === undefined || value === "")) return { text: otherwise, isForeign: false };
  if (value !== undefined) return { text: value, isForeign: true };
  return { message: `the environment variable ${name} is not set`, hint: `set it, or write \${env:${name}:-default}` };
}

function resolveFile(path: string, { readFile }: Sources): FoundReference {
  try {
    return { text: withoutLineBreak(readFile(path)), isForeign: true };
  } catch (cause) {
    return { message: `cannot read the file ${path}: ${codeOf(cause)}`, hint: FILE_HINT };
  }
}

/** Files of secrets usually end with a line break that is no part of the secret. */
export function withoutLineBreak(text: string): string {
  return text.replace(/(?:\r?\n)+$/u, "");
}

export const FILE_HINT = "relative paths start at the config's folder";

/** Why a file cannot be read, without its content or path. */
export function codeOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code ?? (cause instanceof Error ? cause.message : String(cause));
}
