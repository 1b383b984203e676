import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { openDirectory, writeAtomically } from "../../core/atomic-write.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { sha256Of } from "../../core/sha256.ts";
import { compareEpochs, type Epoch, formatEpoch, parseEpoch } from "./epoch.ts";
import {
  type FleetIdentity,
  type FleetVerdict,
  type FoundFleet,
  IdentitySchema,
  identityFrom,
  compareFleet,
  shownIdentity,
} from "./identity.ts";
import { checkShape } from "./json-value.ts";

/**
 * What a node remembers of its fleet over restarts: whose it is, and the newest epoch of each scope
 * that it has obeyed. What is newer is on disk before it counts.
 */
export interface FleetMemory {
  readonly identity: FleetIdentity | undefined;
  /** What came of the last check, in this run of the process; undefined: there was none. */
  readonly verdict: FleetVerdict["kind"] | undefined;
  seen(scope: string): Epoch | undefined;
  /** Remembers what is new or raised; an isolating verdict changes nothing. */
  check(found: FoundFleet): Promise<FleetVerdict>;
  /** `older`: whoever it belongs to leads no more, and is to be refused. */
  offer(scope: string, epoch: Epoch): Promise<"newer" | "same" | "older">;
}

/** Regions and the world; more is a fault. */
const MAX_SCOPES = 1_000;

/**
 * Fails with `CONFIG_UNREADABLE` when there is a file that cannot be believed: without it the node
 * would follow any store.
 */
export async function openFleetMemory(file: string): Promise<FleetMemory> {
  return createFleetMemory(await readMemory(file), async (text) => {
    await openDirectory(dirname(file));
    await writeAtomically(file, text);
  });
}

/** For a node that has no place to remember anything: it knows no more after a restart. */
export function forgetfulMemory(): FleetMemory {
  return createFleetMemory({ identity: undefined, epochs: new Map() }, async () => {});
}

interface Remembered {
  readonly identity: FleetIdentity | undefined;
  readonly epochs: ReadonlyMap<string, Epoch>;
}

function createFleetMemory(from: Remembered, write: (text: string) => Promise<void>): FleetMemory {
  let { identity } = from;
  let last: FleetVerdict["kind"] | undefined;
  const epochs = new Map(from.epochs);
  const writes = serialWrites(() => write(encodeMemory({ identity, epochs })));
  return {
    get identity() {
      return identity;
    },
    get verdict() {
      return last;
    },
    seen: (scope) => epochs.get(scope),
    async check(found) {
      const verdict = compareFleet(identity, found);
      if (verdict.kind === "isolated" || verdict.kind === "unformed") last = verdict.kind;
      if (verdict.kind === "same") await writes.settled();
      if (verdict.kind === "new" || verdict.kind === "raised") {
        identity = verdict.identity;
        await writes.changed();
      }
      last = verdict.kind; // what counts is on disk
      return verdict;
    },
    async offer(scope, epoch) {
      if (identity !== undefined && compareEpochs(epoch, identity.minEpoch) < 0) return "older";
      const known = epochs.get(scope);
      const step = known === undefined ? 1 : compareEpochs(epoch, known);
      if (step < 0) return "older";
      if (step === 0) {
        await writes.settled();
        return "same";
      }
      if (known === undefined && epochs.size >= MAX_SCOPES) throw tooMany(scope);
      epochs.set(scope, epoch);
      await writes.changed();
      return "newer";
    },
  };
}

interface SerialWrites {
  /** Something has changed: resolves once it is kept. */
  changed(): Promise<void>;
  /** Resolves once all that has changed is kept. */
  settled(): Promise<void>;
}

/** Writes one after the other, each with all that has changed by then. */
function serialWrites(write: () => Promise<void>): SerialWrites {
  let [changes, kept] = [0, 0];
  let last = Promise.resolve();
  let next: Promise<void> | undefined;
  const writeNext = async (before: Promise<void>): Promise<void> => {
    await before;
    next = undefined;
    const upTo = changes;
    await write();
    kept = upTo;
  };
  const settled = async (): Promise<void> => {
    if (kept === changes) return;
    if (next === undefined) {
      next = writeNext(last);
      last = next.catch(() => undefined);
    }
    await next;
  };
  return {
    settled,
    changed() {
      changes++;
      return settled();
    },
  };
}

function tooMany(scope: string): RouterError {
  return new RouterError("STORE_REFUSED", `${scope}: epochs of ${MAX_SCOPES} scopes are remembered, and no more`, {
    hint: "scopes are regions: look who makes so many",
  });
}

const MemorySchema = z.object({
  fleet: IdentitySchema.nullable(),
  epochs: z.record(z.string(), z.string()),
});

const MAGIC = "signalbox-fleet-1";

/** A line with the digest of what follows, so that what is torn or edited is not believed. */
function encodeMemory({ identity, epochs }: Remembered): string {
  const shown = {
    fleet: identity === undefined ? null : shownIdentity(identity),
    epochs: Object.fromEntries([...epochs].map(([scope, epoch]) => [scope, formatEpoch(epoch)])),
  };
  const rest = `${JSON.stringify(shown, undefined, 2)}\n`;
  return `${MAGIC} ${sha256Of(rest)}\n${rest}`;
}

async function readMemory(file: string): Promise<Remembered> {
  let content: string;
  try {
    content = await readFile(file, "utf8");
  } catch (cause) {
    if (isMissing(cause)) return { identity: undefined, epochs: new Map() };
    throw unreadable(file, reasonOf(cause), cause);
  }
  const end = content.indexOf("\n");
  const rest = content.slice(end + 1);
  if (end === -1 || content.slice(0, end) !== `${MAGIC} ${sha256Of(rest)}`) {
    throw unreadable(file, "it is torn, or somebody has changed it");
  }
  const read = checkShape(JSON.parse(rest), MemorySchema);
  if (!read.ok) throw unreadable(file, read.reason);
  const { fleet, epochs } = read.value;
  return { identity: fleet === null ? undefined : identityFrom(fleet), epochs: new Map(readEpochs(epochs)) };
}

function* readEpochs(epochs: Readonly<Record<string, string>>): Generator<[string, Epoch]> {
  for (const [scope, text] of Object.entries(epochs)) {
    const epoch = parseEpoch(text);
    if (epoch !== undefined) yield [scope, epoch];
  }
}

function unreadable(file: string, reason: string, cause?: unknown): RouterError {
  return new RouterError("CONFIG_UNREADABLE", `${file}: ${reason}`, {
    cause,
    hint: "it says which fleet this node belongs to; remove it only if the store is sure to be the right one",
  });
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}
