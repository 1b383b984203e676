import { readCandidate, withItsDigest } from "./config-candidate.ts";
import { movePointer, type PublishOptions, type PublishOutcome } from "./config-pointer.ts";
import { readVersion } from "./config-read.ts";
import type { ConfigPlace } from "./shared-config.ts";

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
