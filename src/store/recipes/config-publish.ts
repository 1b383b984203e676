import { RouterError } from "../../core/errors.ts";
import { highestIn, readCandidate, withItsDigest } from "./config-candidate.ts";
import { writePieces } from "./config-pieces.ts";
import { movePointer, type PublishOptions, type PublishOutcome, signed } from "./config-pointer.ts";
import { readVersion } from "./config-read.ts";
import { type ConfigBody, encodeBody, MAX_CONFIG_BYTES, PIECE_BYTES, sha256Of } from "./config-record.ts";
import type { ConfigPlace } from "./shared-config.ts";

export async function publishConfig(
  place: ConfigPlace,
  text: string,
  options: PublishOptions,
): Promise<PublishOutcome> {
  const bytes = bytesIn(text);
  const problems = place.check(text);
  if (problems.length > 0) return { kind: "invalid", problems };
  const sha256 = sha256Of(text);
  return movePointer(place, options, async (before) => {
    if (before.pointer?.sha256 === sha256) return { kind: "unchanged", pointer: before.pointer };
    const tried = await readCandidate(place, options);
    // Numbers of what was tried are not used again, also once those versions are not kept.
    const version = Math.max(before.latest, highestIn(tried)) + 1;
    const about = { version, sha256, bytes };
    const key = place.keys.version(version);
    const value = await valueOf(place, text, about, options);
    const runs = withItsDigest(place, tried, sha256);
    return {
      to: { ...about, kind: "publish", latest: version },
      if: [{ kind: "absent", key }, ...runs.if],
      then: [{ kind: "put", key, value }, ...runs.then],
    };
  });
}

/** In UTF-8, as it is counted and published. Fails with `CONFIG_INVALID`. */
export function bytesIn(text: string): number {
  if (!text.isWellFormed()) throw new RouterError("CONFIG_INVALID", "the document is no well-formed text");
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_CONFIG_BYTES) return bytes;
  throw new RouterError("CONFIG_INVALID", `the document has ${bytes} bytes, and may have ${MAX_CONFIG_BYTES}`, {
    hint: "leave out what can be told by a pattern; name files or variables for what is long",
  });
}

/** A version's value, with what stands beside it written. */
export async function valueOf(
  place: ConfigPlace,
  text: string,
  about: Pick<ConfigBody, "bytes" | "sha256" | "version">,
  options: PublishOptions,
): Promise<Uint8Array> {
  const body = { ...about, ...signed(place, options) };
  // A long text is not written as JSON to find out that it is too long for that.
  if (about.bytes <= PIECE_BYTES) {
    const value = encodeBody({ ...body, text, pieces: undefined });
    if (value.length <= PIECE_BYTES) return value;
  }
  const pieces = await writePieces(place, { version: about.version, text }, options);
  return encodeBody({ ...body, text: undefined, pieces });
}

export function rollbackConfig(place: ConfigPlace, to: number, options: PublishOptions): Promise<PublishOutcome> {
  return movePointer(place, options, async ({ pointer, latest }) => {
    if (pointer === undefined) return { kind: "missing", version: to, reason: "nothing was published yet" };
    if (pointer.version === to) return { kind: "unchanged", pointer };
    const read = await readVersion(place, to, options);
    if (read.kind !== "version") {
      return { kind: "missing", version: to, reason: read.kind === "none" ? "there is none" : read.reason };
    }
    const { version, sha256, bytes } = read.version;
    const problems = place.check(read.version.text);
    if (problems.length > 0) return { kind: "invalid", problems };
    const key = place.keys.version(to);
    const runs = withItsDigest(place, await readCandidate(place, options), sha256);
    return {
      to: { kind: "rollback", version, sha256, bytes, latest },
      if: [{ kind: "created", key, revision: read.created }, ...runs.if],
      then: runs.then,
    };
  });
}
