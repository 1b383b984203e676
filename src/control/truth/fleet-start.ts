import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import type { Prepared } from "../document/prepare.ts";
import { formatProblem, type Problem } from "../../core/problem.ts";
import type { Env } from "../../telemetry/env.ts";
import type { TruthTrouble } from "./config-truth.ts";
import { StoreDeadline } from "./deadline.ts";
import type { LastGood, LastGoodFile } from "./last-good.ts";
import type { FleetInspection } from "./inspect-fleet.ts";

/** What a node of a fleet begins with. */
export interface FleetStart {
  /**
   * `store`: what the fleet runs. `disk`: what ran here last. `bootstrap`: what stands in the
   * node's file. `nothing`: an empty config; the node is not ready.
   */
  readonly from: "store" | "disk" | "bootstrap" | "nothing";
  readonly prepared: Prepared;
  /** As the fleet counts them; 0 for what it never had. */
  readonly version: number;
  readonly author: string;
  readonly note: string;
  /** Why it is not what the store says. */
  readonly trouble: TruthTrouble | undefined;
}

interface FleetStartParts extends Pick<Env, "clock" | "log"> {
  readonly inspect: (signal: AbortSignal) => Promise<FleetInspection>;
  readonly memory: Pick<FleetMemory, "identity">;
  readonly lastGood: LastGoodFile;
  /** Reads a document as this node would run it. */
  readonly prepare: (text: string) => Promise<Prepared>;
  /** The fleet's sections of the node's own file, where that says that they are for now. */
  readonly bootstrap: string | undefined;
}

/** So long the start waits for the store. */
const PATIENCE_MS = 5_000;
/** Nothing is routed; what arrives is refused. */
const EMPTY_FLEET = "targets: []\n";

/**
 * Asks the store, for a short time, and takes what there is otherwise: data never waits for the
 * store. Fails only where even an empty config could not be run.
 */
export async function startOfFleet(parts: FleetStartParts): Promise<FleetStart> {
  const seen = await inspectInTime(parts);
  if (seen.kind === "trouble") return withoutStore(seen.trouble, parts);
  const { text, version, by: author, note } = seen.version;
  const prepared = await parts.prepare(text);
  if (prepared.config !== undefined) return { from: "store", prepared, version, author, note, trouble: undefined };
  return withoutStore(unusable(version, prepared), parts);
}

/** A version of the fleet that this node cannot run. */
export function unusable(version: number, { problems }: { readonly problems: readonly Problem[] }): TruthTrouble {
  const errors = problems.filter(({ severity }) => severity === "error");
  const told = errors.slice(0, 3).map(formatProblem).join("; ");
  return { kind: "bad", reason: `version ${version} cannot be run here: ${told}`, hint: "see the log of this node" };
}

async function inspectInTime({ inspect, clock }: FleetStartParts): Promise<FleetInspection> {
  using late = new StoreDeadline(clock, PATIENCE_MS);
  const over = Promise.withResolvers<FleetInspection>();
  const reason = `the store did not answer within ${PATIENCE_MS / 1_000} s`;
  const trouble = { kind: "unreachable", reason, hint: "look at it with signalbox doctor" } as const;
  late.signal.addEventListener("abort", () => over.resolve({ kind: "trouble", trouble }), { once: true });
  return await Promise.race([inspect(late.signal).catch(() => over.promise), over.promise]);
}

async function withoutStore(trouble: TruthTrouble, parts: FleetStartParts): Promise<FleetStart> {
  const { memory, prepare, bootstrap, log } = parts;
  const { good, isDamaged } = await usableGood(parts);
  if (good !== undefined && good.fleet === memory.identity?.id) {
    const prepared = await prepare(good.text);
    const { version, author, note } = good;
    if (prepared.config !== undefined) return { from: "disk", prepared, version, author, note, trouble };
    log.error("the config of the fleet that ran here last cannot be run any more", {
      version,
      problems: prepared.problems.map(formatProblem),
    });
  }
  const unknown = { version: 0, author: "", note: "", trouble };
  // What cannot be read was the fleet's: it is not replaced by what was meant for its beginning.
  if (bootstrap !== undefined && good === undefined && !isDamaged && trouble.kind === "unreachable") {
    const prepared = await prepare(bootstrap);
    if (prepared.config !== undefined) return { from: "bootstrap", prepared, ...unknown };
  }
  return { from: "nothing", prepared: await prepare(EMPTY_FLEET), ...unknown };
}

async function usableGood({
  lastGood,
  log,
}: FleetStartParts): Promise<{ readonly good: LastGood | undefined; readonly isDamaged: boolean }> {
  const { good, damaged } = await lastGood.read();
  if (damaged !== undefined) {
    const hint =
      "see node.data_dir; without it and the store this node runs nothing, whatever node.fleet.bootstrap says";
    log.error("the config of the fleet that ran here last cannot be read", { reason: damaged, hint });
  }
  return { good, isDamaged: damaged !== undefined };
}
