import { type Finding, fault, type Path } from "./finding.ts";
import { codeOf, type Sources } from "./substitute.ts";

/** Values that are the path of a file with PEM, or the PEM itself. */
const PEM_PATHS: readonly Path[] = [
  ["node", "listen", "*", "tls", "cert"],
  ["node", "listen", "*", "tls", "key"],
  ["node", "listen", "*", "tls", "client_ca"],
  ["targets", "*", "tls", "ca"],
  ["targets", "*", "tls", "cert"],
  ["targets", "*", "tls", "key"],
];

/** A copy of the values with certificates and keys read from their files: afterwards they are PEM texts. */
export function readPemFiles(
  root: unknown,
  { readFile }: Pick<Sources, "readFile">,
): { root: unknown; findings: Finding[] } {
  const findings: Finding[] = [];
  const read = (value: unknown, path: Path): unknown => {
    if (typeof value !== "string" || value === "" || value.includes(PEM_START)) return value;
    try {
      const text = readFile(value);
      if (text.includes(PEM_START)) return text;
      findings.push(fault(path, "the file is not PEM", `it must have a line that begins with ${PEM_START}`));
    } catch (cause) {
      findings.push(
        fault(path, `cannot read the file: ${codeOf(cause)}`, "relative paths start at the config's folder"),
      );
    }
    return value;
  };
  const replaced = PEM_PATHS.reduce((values, pattern) => replaceAt(values, pattern, [], read), root);
  return { root: replaced, findings };
}

const PEM_START = "-----BEGIN ";

type Replace = (value: unknown, path: Path) => unknown;

function replaceAt(value: unknown, pattern: Path, path: Path, replace: Replace): unknown {
  const [part, ...rest] = pattern;
  if (part === undefined) return replace(value, path);
  if (Array.isArray(value))
    return part === "*" ? value.map((item, i) => replaceAt(item, rest, [...path, i], replace)) : value;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, entry]) =>
    part === "*" || part === key ? [key, replaceAt(entry, rest, [...path, key], replace)] : [key, entry],
  );
  return Object.fromEntries(entries);
}
