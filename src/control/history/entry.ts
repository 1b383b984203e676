import { z } from "zod";
import { isoTime } from "../../core/iso-time.ts";
import { sha256Of, sha256OfParts } from "../../core/sha256.ts";

const VersionInfoSchema = z.strictObject({
  /** Counts up from 1, also over restarts where a history is kept. */
  version: z.number(),
  digest: z.string(),
  /** Clock.wallMs() */
  appliedMs: z.number(),
  /**
   * Who made it: the node as it started, an edit of the file, a call of the API, a return to an
   * older version, the store of the fleet.
   */
  by: z.enum(["start", "file", "api", "rollback", "store"]),
  /** One line for people. */
  summary: z.string(),
  /** Of a fleet's: who published it, and from where. */
  author: z.string().optional(),
});

/**
 * What became of a version that only some nodes of a fleet have run: it is tried, or waits
 * (`paused`), or was found to be worse, or somebody has ended it, or another one was published.
 */
export type TriedState = "staged" | "paused" | "rolled_back" | "aborted" | "superseded";

/** What is told of one version of the config. */
export type VersionInfo = Readonly<Omit<z.infer<typeof VersionInfoSchema>, "author">> & {
  readonly author?: string | undefined;
  /** Undefined: it has run on all nodes. */
  readonly state?: TriedState | undefined;
};
export type Origin = VersionInfo["by"];

/** As the API and the command line tell it. */
export function shownVersion(info: VersionInfo): Readonly<Record<string, unknown>> {
  const { version, digest, appliedMs, by, summary, author, state = "published" } = info;
  return { version, digest, applied: isoTime(appliedMs), by, summary, author: author ?? null, state };
}

/**
 * One version as a file has it, in parts: a line with the digest of all that follows, a line of
 * JSON, and the document, which may be long, and is not copied as a whole.
 */
export function encodeEntry(
  { version, digest, appliedMs, by, summary, author }: VersionInfo,
  text: string,
): readonly string[] {
  const info = `${JSON.stringify({ version, digest, appliedMs, by, summary, author })}\n`;
  return [`${MAGIC} ${sha256OfParts([info, text])}\n${info}`, text];
}

/** Undefined for what is torn, was changed, or never was an entry. */
export function decodeEntry(content: string): { readonly info: VersionInfo; readonly text: string } | undefined {
  const headEnd = content.indexOf("\n");
  const rest = content.slice(headEnd + 1);
  if (headEnd === -1 || content.slice(0, headEnd) !== `${MAGIC} ${sha256Of(rest)}`) return undefined;
  const infoEnd = rest.indexOf("\n");
  const { data: info } = VersionInfoSchema.safeParse(JSON.parse(rest.slice(0, infoEnd))); // the digest holds: this is what was written
  return info && { info, text: rest.slice(infoEnd + 1) };
}

const MAGIC = "signalbox-config-version-1";
