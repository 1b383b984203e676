import { reasonOf } from "../../core/errors.ts";
import type { Leadership } from "../../store/recipes/election.ts";
import { writeJson } from "../../store/recipes/json-value.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import type { Entry } from "../../store/store.ts";
import type { Log } from "../../telemetry/log.ts";
import { keepWatching } from "./keep-watching.ts";
import type { TransferOutcome } from "./transfer-leadership.ts";
import { decodeTransfer, transferKey, type TransferRequest, transfersPrefix } from "./transfer-request.ts";

interface HeedTransfersOptions {
  readonly place: RecipePlace;
  readonly election: string;
  readonly leadership: Leadership;
  readonly transfer: (to: string | undefined) => Promise<TransferOutcome | undefined>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Gives a leadership away when the store says that somebody asks for it, and writes why it could
 * not be. Once it is given away it writes nothing any more: whoever asked takes the key away, or
 * the next leader does. Resolves when the leadership is over, or the signal says so; does not
 * throw.
 */
export async function heedTransfers(options: HeedTransfersOptions): Promise<void> {
  const { place, election, leadership, log } = options;
  const key = transferKey(place.prefix, election);
  const signal = AbortSignal.any([options.signal, leadership.lost]);
  const seen = { modified: 0n };
  await keepWatching({
    clock: place.clock,
    signal,
    refused: (reason) => {
      const limited = signal.aborted ? undefined : log.limited(`transfers-${election}`, 60_000);
      limited?.warn("whether somebody asks for a transfer is not known", { kind: "election", election, reason });
    },
    watch: async () => {
      for await (const { entries, lost } of watchEntries(place.store, transfersPrefix(place.prefix), signal)) {
        const entry = entries.get(key);
        if (lost !== undefined || entry === undefined || entry.modified === seen.modified) continue;
        seen.modified = entry.modified;
        await heed(entry, options).catch((cause: unknown) => {
          if (options.signal.aborted) return;
          log.warn("a leadership could not be given away", { kind: "election", election, reason: reasonOf(cause) });
        });
      }
    },
  });
}

async function heed(entry: Entry, options: HeedTransfersOptions): Promise<void> {
  const { election, leadership, transfer, log, signal } = options;
  const request = decodeTransfer(entry);
  if (request === undefined || request.refused !== undefined) return;
  const same = { kind: "modified", key: entry.key, revision: entry.modified } as const;
  if (request.epoch !== String(leadership.epoch)) {
    // It was for a leader before this one, and whoever asked may be gone.
    await leadership.guarded({ if: [same], then: [{ kind: "delete", key: entry.key }] }, { signal });
    return;
  }
  log.info("a leadership is to be given away", {
    kind: "election",
    election,
    to: request.to ?? "whoever comes next",
    by: request.by,
  });
  const outcome = await transfer(request.to);
  if (outcome?.kind !== "no_candidate" && outcome?.kind !== "not_in_time") return;
  const refused: TransferRequest = { ...request, refused: outcome.kind };
  const put = { kind: "put", key: entry.key, value: writeJson(refused) } as const;
  await leadership.guarded({ if: [same], then: [put] }, { signal });
}
