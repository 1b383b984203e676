import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { openDirectory, writeAtomically } from "../../core/atomic-write.ts";
import { reasonOf } from "../../core/errors.ts";
import { sha256OfParts } from "../../core/sha256.ts";
import type { FleetVersion } from "../apply.ts";

/** The config of the fleet that ran here last: a node starts with it while its store is away. */
export interface LastGood extends FleetVersion {
  /** Whose it is. */
  readonly fleet: string;
}

/** A file in the node's data directory. */
export interface LastGoodFile {
  /** Never rejects: `damaged` says why there is none, where there should be one. */
  read(): Promise<{ readonly good: LastGood | undefined; readonly damaged: string | undefined }>;
  /** Resolves once it is safe on disk; rejects where it cannot be. */
  write(good: LastGood): Promise<void>;
}

/** `file` undefined: nothing is kept, and nothing is there. */
export function lastGoodFile(file: string | undefined): LastGoodFile {
  return {
    async read() {
      if (file === undefined) return { good: undefined, damaged: undefined };
      try {
        const good = decode(await readFile(file, "utf8"));
        return { good, damaged: good === undefined ? `${file}: it is torn, or somebody has changed it` : undefined };
      } catch (cause) {
        const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
        return { good: undefined, damaged: isMissing ? undefined : `${file}: ${reasonOf(cause)}` };
      }
    },
    async write(good) {
      if (file === undefined) return;
      await openDirectory(dirname(file));
      await writeAtomically(file, encode(good));
    },
  };
}

const LastGoodSchema = z.object({
  fleet: z.string(),
  version: z.int().min(1),
  author: z.string(),
  note: z.string(),
  text: z.string(),
});
const MAGIC = "signalbox-fleet-config-1";

/** In parts: the text of a document may be long, and is not copied as a whole. */
function encode(good: LastGood): readonly string[] {
  const json = JSON.stringify(good);
  return [`${MAGIC} ${sha256OfParts([json, "\n"])}\n`, json, "\n"];
}

function decode(content: string): LastGood | undefined {
  const end = content.indexOf("\n");
  const rest = content.slice(end + 1);
  if (end === -1 || content.slice(0, end) !== `${MAGIC} ${sha256OfParts([rest])}`) return undefined;
  return LastGoodSchema.safeParse(JSON.parse(rest)).data;
}
