import { Secret } from "../core/secret.ts";
import { TARGET_PLACES } from "./discovered.ts";
import { type Finding, fault, type Path } from "./finding.ts";
import { codeOf, FILE_HINT, refused, type Sources, sourceOf } from "./substitute.ts";
import { mapPlaces, placesOf } from "./values.ts";
import type { Taint } from "./taint.ts";

/** Values that are the path of a file with PEM, or the PEM itself. */
const PEM_PATHS: readonly (readonly string[])[] = [
  ["node", "listen", "*", "tls", "cert"],
  ["node", "listen", "*", "tls", "key"],
  ["node", "listen", "*", "tls", "client_ca"],
  ["node", "coordination", "tls", "ca"],
  ["node", "coordination", "tls", "cert"],
  ["node", "coordination", "tls", "key"],
  ["node", "fleet", "listen", "tls", "cert"],
  ["node", "fleet", "listen", "tls", "key"],
  ["node", "fleet", "listen", "tls", "client_ca"],
  ["node", "fleet", "tls", "ca"],
  ["node", "fleet", "tls", "cert"],
  ["node", "fleet", "tls", "key"],
  ...TARGET_PLACES.flatMap((target) => ["ca", "cert", "key"].map((key) => [...target, "tls", key])),
];

interface PemRead {
  readonly root: unknown;
  readonly findings: Finding[];
  /** What was read, with the path of the file where it is known. */
  readonly taints: Taint[];
  readonly unread: Path[];
}

/**
 * A copy of the values with certificates and keys read from their files: afterwards they are PEM
 * texts.
 */
export function readPemFiles(root: unknown, sources: Sources): PemRead {
  const { policy } = sources;
  const read: Omit<PemRead, "root"> = { findings: [], taints: [], unread: [] };
  const replace = (value: unknown, path: Path): unknown => {
    if (!isPemPath(value)) return value;
    const answer = policy?.follow({ kind: "file", name: value }, path) ?? "follow";
    if (answer === "unread") read.unread.push(path);
    // The path itself may come from a reference: it is not repeated.
    else if (answer === "refuse") {
      const { message, hint } = refused("file", "this file", policy);
      read.findings.push(fault(path, message, hint));
    } else return readPem(value, path, sources, read);
    return value;
  };
  return { root: PEM_PATHS.reduce((values, pattern) => mapPlaces(values, pattern, replace), root), ...read };
}

/** The paths of all files with PEM that a document names. */
export function pemFilesIn(root: unknown): string[] {
  return PEM_PATHS.flatMap((pattern) =>
    placesOf(root, pattern).flatMap(({ value }) => (isPemPath(value) ? value : [])),
  );
}

const PEM_START = "-----BEGIN ";
/** Message and hint for a file that is something else. */
export const NOT_PEM = ["the file is not PEM", `it must have a line that begins with ${PEM_START}`] as const;

export function isPem(text: string): boolean {
  return text.includes(PEM_START);
}

function isPemPath(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("${") && !value.includes(PEM_START);
}

function readPem(value: string, path: Path, sources: Sources, { findings, taints }: Omit<PemRead, "root">): string {
  try {
    const text = sources.readFile(value);
    if (isPem(text)) {
      const source = sourceOf({ kind: "file", name: value }, undefined, sources);
      taints.push({ path, written: value, value: new Secret(text), parts: [], source });
      return text;
    }
    findings.push(fault(path, ...NOT_PEM));
  } catch (cause) {
    findings.push(fault(path, `cannot read the file: ${codeOf(cause)}`, FILE_HINT));
  }
  return value;
}
