import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { openDirectory, writeAtomically } from "../../core/atomic-write.ts";
import type { Cancel, Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import { FLEET_BOUNDS } from "../../control/fleet/bounds.ts";
import type { FoundMembers } from "../../plan/members.ts";
import type { Log } from "../../telemetry/log.ts";

/** Beside the last good config. */
export const MEMBERS_FILE = "members.json";

/** At most so often it is written. */
const APART_MS = 10_000;

const SavedMembersSchema = z
  .array(
    z.object({
      of: z.string().max(65_536),
      members: z.array(z.object({ id: z.string(), address: z.string() })).max(FLEET_BOUNDS.found),
    }),
  )
  .max(FLEET_BOUNDS.selections);

/** Members of the fleet that were found last, for who starts while nobody tells of them. */
export interface SavedMembers extends AsyncDisposable {
  /** As they were when this process began. */
  readonly first: readonly FoundMembers[];
  /** Never throws: what cannot be written is told. */
  keep(found: readonly FoundMembers[]): void;
}

/** What cannot be read is no condition: then nobody is known, as on the first start. */
export async function openSavedMembers(
  file: string,
  env: { readonly clock: Clock; readonly log: Log },
): Promise<SavedMembers> {
  const text = await readFile(file, "utf8").catch(() => "[]");
  let [kept, wanted, lastMs] = [text, text, Number.NEGATIVE_INFINITY];
  let writing: Promise<void> = Promise.resolve();
  let waiting: Cancel | undefined;
  const write = async (): Promise<void> => {
    waiting = undefined;
    lastMs = env.clock.nowMs();
    const next = wanted;
    if (next === kept) return;
    try {
      await openDirectory(dirname(file));
      await writeAtomically(file, next);
      kept = next;
    } catch (cause) {
      const told = { kind: "member" as const, reason: reasonOf(cause), hint: "see node.data_dir" };
      env.log.limited("members-unkept", 600_000)?.warn("members of the fleet cannot be kept for a restart", told);
    }
  };
  return {
    first: readKept(text),
    keep(found) {
      wanted = textOfMembers(found);
      if (wanted === kept || waiting !== undefined) return;
      waiting = env.clock.after(Math.max(0, lastMs + APART_MS - env.clock.nowMs()), () => {
        writing = write();
      });
    },
    async [Symbol.asyncDispose]() {
      waiting?.();
      await writing;
      await write();
    },
  };
}

/** What they say of their load does not last. */
function textOfMembers(found: readonly FoundMembers[]): string {
  const all = found.map(({ of, members }) => ({ of, members: members.map(({ id, address }) => ({ id, address })) }));
  return JSON.stringify(all);
}

function readKept(text: string): readonly FoundMembers[] {
  try {
    const all = SavedMembersSchema.parse(JSON.parse(text));
    return all.map(({ of, members }) => ({ of, members: members.map((one) => ({ ...one, utilization: 0 })) }));
  } catch {
    return [];
  }
}
