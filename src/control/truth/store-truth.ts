import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { configKeys } from "../../store/recipes/config-record.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { fleetKey } from "../../store/recipes/identity.ts";
import { pauseMs } from "../../store/pauses.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import type { ConfigTruth, ProposeOutcome, TruthNews, TruthOptions, TruthProposal, TruthRead } from "./config-truth.ts";
import { ChangeSignal } from "./changes.ts";
import { StoreDeadline } from "./deadline.ts";
import { type FleetInspection, inspectFleet } from "./inspect-fleet.ts";
import { publishDocument, type PublishResult, type TruthPlace } from "./publish.ts";

interface StoreTruthOptions extends TruthPlace {
  readonly memory: FleetMemory;
}

const FIRST = "publish the first one without --staged";

/** A change of a config ends, whatever the store does. */
const PROPOSE_MS = 10_000;

/**
 * Trouble that no change of the store has ended is looked at again: it may have been of this node.
 * About so long, not at the same moment as others.
 */
const DOUBT_MS = 30_000;

/** The config of a fleet in its store: versions, and a pointer that all follow. */
export class StoreTruth implements ConfigTruth {
  readonly #place: StoreTruthOptions;

  constructor(place: StoreTruthOptions) {
    this.#place = place;
  }

  /** What there is now, with all that speaks against following it. */
  inspect(signal: AbortSignal): Promise<FleetInspection> {
    return inspectFleet(this.#place, this.#place.memory, signal);
  }

  async read({ signal }: TruthOptions): Promise<TruthRead> {
    const seen = await this.inspect(signal);
    if (seen.kind === "version") return documentOf(seen);
    const { kind, reason, hint } = seen.trouble;
    if (kind === "none" || kind === "unformed") return { kind: "none" };
    throw new RouterError(kind === "unreachable" ? "STORE_UNREACHABLE" : "STORE_REFUSED", reason, { hint });
  }

  /** Looks again whenever the identity or the pointer may be different; tells what is. */
  async *watch({ signal }: TruthOptions): AsyncGenerator<TruthNews> {
    const { clock, random } = this.#place;
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const changes = new ChangeSignal(both);
    const { store } = this.#place;
    for (const key of this.#keys()) void changes.follow(clock, () => watchEntries(store, key, both));
    let told = "";
    try {
      for (let attempt = 0; !signal.aborted; ) {
        changes.seen();
        const seen = await this.inspect(signal).catch(() => undefined);
        if (seen === undefined) return;
        const repeat = { isWanted: false };
        const what = JSON.stringify(keyOf(seen));
        if (what !== told) yield newsOf(seen, () => void (repeat.isWanted = true));
        told = repeat.isWanted ? "" : what;
        const isPassing = repeat.isWanted || (seen.kind === "trouble" && seen.trouble.kind === "unreachable");
        attempt = isPassing ? attempt + 1 : 0;
        if (isPassing) await sleep(clock, pauseMs("config", attempt, random), signal).catch(() => undefined);
        else await changes.next(seen.kind === "trouble" ? { clock, ms: DOUBT_MS * (0.5 + random.next()) } : undefined);
      }
    } finally {
      ended.abort();
    }
  }

  async propose({ expected, text, publish = {} }: TruthProposal): Promise<ProposeOutcome> {
    using late = new StoreDeadline(this.#place.clock, PROPOSE_MS);
    try {
      const request = { text, expected: expected.version, publish, signal: late.signal };
      const result = await publishDocument(this.#place, request);
      const { kind } = result;
      const tried =
        kind === "conflict" ? await this.#triedHere(expected.version, result.running, late.signal) : undefined;
      return tried ?? this.#outcomeOf(result, expected.version);
    } catch (cause) {
      const isRefusal = cause instanceof RouterError && cause.code === "STORE_REFUSED";
      const hint = (cause instanceof RouterError ? cause.hint : undefined) ?? "look at it with signalbox doctor";
      return { kind: "store", reason: `the store of the fleet: ${reasonOf(cause)}`, hint, passing: !isRefusal };
    }
  }

  #keys(): string[] {
    const { prefix } = this.#place;
    return [fleetKey(prefix), configKeys(prefix).current];
  }

  #outcomeOf(result: PublishResult, expected: number): ProposeOutcome {
    switch (result.kind) {
      case "published": {
        const { version } = result.pointer;
        return { kind: "taken", version, withdraw: () => this.#withdraw(version, expected) };
      }
      case "same":
        return { kind: "same", version: result.pointer.version };
      case "conflict": {
        const reason = `version ${result.running ?? "none"} runs in the fleet, and version ${expected} here`;
        return { kind: "conflict", reason, hint: "it is applied in a moment: read again, and repeat" };
      }
      case "foreign":
        return { kind: "store", reason: result.reason, hint: result.hint, passing: false };
      case "not_leader":
        return { kind: "store", reason: "it is led by another node now", hint: "try again", passing: true };
      case "under_way": {
        const reason = `version ${result.version} is being tried in the fleet`;
        const hint = "signalbox config rollout shows it, and config rollout abort ends it";
        return { kind: "store", reason, hint, passing: false };
      }
      case "no_base":
        return { kind: "store", reason: "the fleet has no config yet", hint: FIRST, passing: false };
      case "staged":
      case "rolled_back":
      case "invalid":
      case "unreadable_by":
        return result;
      default:
        return result satisfies never;
    }
  }

  /** A node that tries a config has another version than the fleet, and goes on having it. */
  async #triedHere(
    version: number,
    running: number | undefined,
    signal: AbortSignal,
  ): Promise<ProposeConflict | undefined> {
    const read = await createSharedConfig(this.#place).candidate({ signal });
    const candidate = read.kind === "candidate" ? read.candidate : undefined;
    if (candidate?.state !== "running" || candidate.version !== version || candidate.base !== running) return undefined;
    const reason = `this node tries version ${version}, and version ${running} runs in the fleet`;
    const hint = "ask a node that does not try it, or end it: signalbox config rollout abort";
    return { kind: "conflict", reason, hint };
  }

  /** What was published could not be run here: the fleet goes back, unless somebody has gone on. */
  async #withdraw(version: number, to: number): Promise<void> {
    const note = `version ${version} could not be run where it was made`;
    using late = new StoreDeadline(this.#place.clock, PROPOSE_MS);
    const more = { signal: late.signal, expected: version, note };
    await createSharedConfig(this.#place)
      .rollback(to, more)
      .catch(() => undefined);
  }
}

type ProposeConflict = Extract<ProposeOutcome, { kind: "conflict" }>;

/** Tells apart what is worth telling: a pointer that moved away and back says nothing new. */
function keyOf(seen: FleetInspection): unknown {
  if (seen.kind === "version") return [seen.version.version, seen.version.sha256];
  return [seen.trouble.kind, seen.trouble.reason];
}

function documentOf(seen: Extract<FleetInspection, { kind: "version" }>): Extract<TruthRead, { kind: "document" }> {
  const { version, text, by, note } = seen.version;
  return { kind: "document", version, text, author: by, note };
}

function newsOf(seen: FleetInspection, again: () => void): TruthNews {
  return seen.kind === "version" ? { ...documentOf(seen), again } : seen;
}
