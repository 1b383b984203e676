import { createHash } from "node:crypto";

/**
 * Who made a version: the node as it started, an edit of the file, a call of the API, a return to
 * an older version.
 */
export const ORIGINS = ["start", "file", "api", "rollback"] as const;
export type Origin = (typeof ORIGINS)[number];

/** What is told of one version of the running config. */
export interface VersionInfo {
  /** Counts up from 1, also over restarts where a history is kept. */
  readonly version: number;
  readonly digest: string;
  /** Clock.wallMs() */
  readonly appliedMs: number;
  readonly by: Origin;
  /** One line for people. */
  readonly summary: string;
}

/**
 * One version as a file has it: a line with the digest of all that follows, a line of JSON, and the
 * document.
 */
export function encodeEntry({ version, digest, appliedMs, by, summary }: VersionInfo, text: string): string {
  const rest = `${JSON.stringify({ version, digest, appliedMs, by, summary })}\n${text}`;
  return `${MAGIC} ${sha256(rest)}\n${rest}`;
}

/** Undefined for what is torn, was changed, or never was an entry. */
export function decodeEntry(content: string): { readonly info: VersionInfo; readonly text: string } | undefined {
  const headEnd = content.indexOf("\n");
  const rest = content.slice(headEnd + 1);
  if (headEnd === -1 || content.slice(0, headEnd) !== `${MAGIC} ${sha256(rest)}`) return undefined;
  const infoEnd = rest.indexOf("\n");
  const info = infoOf(rest.slice(0, infoEnd));
  return info === undefined ? undefined : { info, text: rest.slice(infoEnd + 1) };
}

const MAGIC = "signalbox-config-version-1";

function infoOf(line: string): VersionInfo | undefined {
  const value: unknown = JSON.parse(line); // the digest holds: this is what was written
  if (typeof value !== "object" || value === null) return undefined;
  const { version, digest, appliedMs, by, summary } = value as Record<keyof VersionInfo, unknown>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- each is looked at below
  const origin = ORIGINS.find((known) => known === by);
  if (typeof version !== "number" || typeof digest !== "string" || typeof appliedMs !== "number") return undefined;
  if (origin === undefined || typeof summary !== "string") return undefined;
  return { version, digest, appliedMs, by: origin, summary };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
