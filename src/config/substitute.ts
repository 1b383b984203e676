import type { Finding, Path } from "./finding.ts";
import { fault } from "./finding.ts";

export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  /** The whole path of a file that is named but not read here. Default: from the folder of the process. */
  readonly resolvePath?: (path: string) => string;
}

/**
 * A copy of the values with `${env:NAME}`, `${env:NAME:-default}` and `${file:path}` replaced in texts, and `$${` as `${`.
 * What is put in is never looked at again. A text with a fault stays as it is.
 */
export function substitute(root: unknown, sources: Sources): { root: unknown; findings: Finding[] } {
  const findings: Finding[] = [];
  const walk = (value: unknown, path: Path): unknown => {
    if (typeof value === "string") return value.includes("${") ? replaceIn(value, path, sources, findings) : value;
    if (Array.isArray(value)) return value.map((item, i) => walk(item, [...path, i]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, walk(entry, [...path, key])]));
  };
  return { root: walk(root, []), findings };
}

const REFERENCE = /\$\$\{|\$\{(?<body>[^}]*)\}|\$\{/gu;
const ESCAPE_HINT = "${env:NAME}, ${env:NAME:-default} or ${file:path}; write $${ for the characters ${";

function replaceIn(text: string, path: Path, sources: Sources, findings: Finding[]): string {
  const before = findings.length;
  const replaced = text.replace(REFERENCE, (match: string, body: string | undefined) => {
    if (match === "$${") return "${";
    const found = body === undefined ? { message: '"${" has no "}"', hint: ESCAPE_HINT } : resolve(body, sources);
    if (typeof found === "string") return found;
    findings.push(fault(path, found.message, found.hint));
    return match;
  });
  return findings.length === before ? replaced : text;
}

function resolve(body: string, sources: Sources): string | { message: string; hint: string } {
  const variable = /^env:(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<otherwise>.*))?$/su.exec(body)?.groups;
  if (variable !== undefined) return resolveVariable(variable["name"] ?? "", variable["otherwise"], sources);
  if (body.startsWith("file:") && body.length > "file:".length) return resolveFile(body.slice("file:".length), sources);
  return { message: `"\${${body}}" is not a substitution`, hint: ESCAPE_HINT };
}

function resolveVariable(name: string, otherwise: string | undefined, { env }: Sources): ReturnType<typeof resolve> {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (otherwise !== undefined && (value === undefined || value === "")) return otherwise;
  if (value !== undefined) return value;
  return { message: `the environment variable ${name} is not set`, hint: `set it, or write \${env:${name}:-default}` };
}

/** Files of secrets usually end with a line break that is no part of the secret. */
function resolveFile(path: string, { readFile }: Sources): ReturnType<typeof resolve> {
  try {
    return readFile(path).replace(/(?:\r?\n)+$/u, "");
  } catch (cause) {
    return {
      message: `cannot read the file ${path}: ${codeOf(cause)}`,
      hint: "relative paths start at the config's folder",
    };
  }
}

/** Why a file cannot be read, without its content or path. */
export function codeOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code ?? (cause instanceof Error ? cause.message : String(cause));
}
