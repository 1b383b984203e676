import { randomUUID } from "node:crypto";
import { copyOwned } from "../../core/bytes.ts";
import { RouterError } from "../../core/errors.ts";
import type { CallOptions } from "../store.ts";
import { highestIn, readCandidate, withItsDigest } from "./config-candidate.ts";
import { movePointer, type PublishOptions, type PublishOutcome, signed } from "./config-pointer.ts";
import { readVersion } from "./config-read.ts";
import { type ConfigBody, digits, encodeBody, MAX_CONFIG_BYTES, PIECE_BYTES, sha256Of } from "./config-record.ts";
import type { ConfigPlace } from "./shared-config.ts";

export async function publishConfig(
  place: ConfigPlace,
  text: string,
  options: PublishOptions,
): Promise<PublishOutcome> {
  const bytes = bytesOf(text);
  const problems = place.check(text);
  if (problems.length > 0) return { kind: "invalid", problems };
  const sha256 = sha256Of(bytes);
  return movePointer(place, options, async (before) => {
    if (before.pointer?.sha256 === sha256) return { kind: "unchanged", pointer: before.pointer };
    const tried = await readCandidate(place, options);
    // Numbers of what was tried are not used again, also once those versions are not kept.
    const version = Math.max(before.latest, highestIn(tried)) + 1;
    const about = { version, sha256, bytes: bytes.length };
    const key = place.keys.version(version);
    const body = await bodyOf(place, text, about, options);
    const runs = withItsDigest(place, tried, sha256);
    return {
      to: { ...about, kind: "publish", latest: version },
      if: [{ kind: "absent", key }, ...runs.if],
      then: [{ kind: "put", key, value: encodeBody(body) }, ...runs.then],
    };
  });
}

/** As they are counted and published. Fails with `CONFIG_INVALID`. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (!text.isWellFormed()) throw new RouterError("CONFIG_INVALID", "the document is no well-formed text");
  if (bytes.length <= MAX_CONFIG_BYTES) return bytes;
  throw new RouterError("CONFIG_INVALID", `the document has ${bytes.length} bytes, and may have ${MAX_CONFIG_BYTES}`, {
    hint: "leave out what can be told by a pattern; name files or variables for what is long",
  });
}

/** A version's value, with what stands beside it written. */
export function bodyOf(
  place: ConfigPlace,
  text: string,
  about: Pick<ConfigBody, "bytes" | "sha256" | "version">,
  options: PublishOptions,
): Promise<ConfigBody> {
  return writePieces(place, { ...about, ...signed(place, options), text, pieces: undefined }, options);
}

/** Large texts are written first, under names that nobody knows until the version names them. */
async function writePieces(place: ConfigPlace, body: ConfigBody, call: CallOptions): Promise<ConfigBody> {
  if (encodeBody(body).length <= PIECE_BYTES) return body;
  const bytes = new TextEncoder().encode(body.text);
  const id = `${digits(body.version)}-${randomUUID()}`;
  let count = 0;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const key = place.keys.piece(id, count++);
    const value = copyOwned(bytes.subarray(at, at + PIECE_BYTES));
    const { done } = await place.store.txn(
      { if: [{ kind: "absent", key }], then: [{ kind: "put", key, value }] },
      call,
    );
    if (!done) throw new RouterError("INTERNAL", `${key} is there already`);
  }
  return { ...body, text: undefined, pieces: { id, count } };
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
