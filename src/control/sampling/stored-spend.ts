import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { openDirectory, writeAtomically } from "../../core/atomic-write.ts";
import { reasonOf } from "../../core/errors.ts";
import type { Log } from "../../telemetry/log.ts";
import type { SpendRecords } from "./spend-book.ts";
import { SpendRecordSchema } from "./spend.ts";

/** What was spent, as it is kept: by the name of the strategy. */
export const StoredSpendSchema = z.object({
  schema: z.int().min(1).default(1),
  strategies: z.record(z.string(), SpendRecordSchema).default({}),
});

export function storedSpend(strategies: SpendRecords): z.input<typeof StoredSpendSchema> {
  return { schema: 1, strategies };
}

/** A file in the data directory of a node that is no part of a fleet. */
export interface SpendFile {
  /** Never rejects: what cannot be read is told, and nothing was spent. */
  read(): Promise<SpendRecords>;
  /** Never rejects: what cannot be written is told. */
  write(spent: SpendRecords): Promise<void>;
}

/** `file` undefined: nothing is kept. */
export function spendFile(file: string | undefined, log: Log): SpendFile {
  const trouble = (message: string, cause: unknown): void =>
    log.limited("sampling-spend", 60_000)?.warn(message, { file, reason: reasonOf(cause), hint: "see node.data_dir" });
  return {
    async read() {
      if (file === undefined) return {};
      try {
        return StoredSpendSchema.parse(JSON.parse(await readFile(file, "utf8"))).strategies;
      } catch (cause) {
        const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
        if (!isMissing) trouble("what sampling has spent in this hour is not known: it begins anew", cause);
        return {};
      }
    },
    async write(spent) {
      if (file === undefined) return;
      try {
        await openDirectory(dirname(file));
        await writeAtomically(file, `${JSON.stringify(storedSpend(spent))}\n`);
      } catch (cause) {
        trouble("what sampling has spent in this hour cannot be kept", cause);
      }
    },
  };
}
