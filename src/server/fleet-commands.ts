import { RouterError } from "../core/errors.ts";
import { identityFindings, isolatedFinding } from "../control/coordination/fleet-findings.ts";
import { olderConfig } from "../control/truth/older-config.ts";
import {
  adoptFleet,
  checkFleetId,
  type FleetIdentity,
  initFleet,
  compareFleet,
  readFleet,
  shownIdentity,
} from "../store/recipes/identity.ts";
import type { FleetMemory } from "../store/recipes/fleet-memory.ts";
import type { Coordination } from "./coordination.ts";

/** What a command did with the identity of a fleet, as it is printed. */
export interface FleetAnswer {
  readonly kind: "ok" | "missing" | "isolated" | "exists" | "conflict";
  readonly message: string;
  readonly hint?: string | undefined;
  /** What the store says now; null: nothing that can be read. */
  readonly fleet: Readonly<Record<string, unknown>> | null;
  /** What the node remembers; null: nothing. */
  readonly remembered: Readonly<Record<string, unknown>> | null;
}

export interface FleetCommand {
  readonly coordination: Coordination;
  readonly memory: FleetMemory | undefined;
  readonly signal: AbortSignal;
  readonly by: string;
}

/** Why no fleet can be called so. */
export function fleetIdProblem(id: string): RouterError | undefined {
  try {
    checkFleetId(id);
    return undefined;
  } catch (cause) {
    if (cause instanceof RouterError) return cause;
    throw cause;
  }
}

export async function showFleet({ coordination, memory, signal }: FleetCommand): Promise<FleetAnswer> {
  const found = await readFleet(coordination.place, { signal });
  const older = await olderConfig(coordination.place, memory, found, { signal });
  const { status, message, hint } = older ? isolatedFinding(older) : identityFindings(memory?.identity, found);
  const kind = status === "ok" ? "ok" : status === "failed" ? "isolated" : "missing";
  return answer(memory, kind, { message, hint, identity: found.kind === "found" ? found.identity : undefined });
}

export async function makeFleet(command: FleetCommand, id: string | undefined): Promise<FleetAnswer> {
  const { coordination, memory, signal, by } = command;
  const outcome = await initFleet(coordination.place, { signal, by, ...(id === undefined ? {} : { id }) });
  if (outcome.kind === "created") {
    const { identity } = outcome;
    return answer(memory, "ok", { message: `fleet ${identity.id} is made`, identity });
  }
  const identity = outcome.found.kind === "found" ? outcome.found.identity : undefined;
  const message = identity ? `there is a fleet: ${identity.id}` : "something that is no fleet is in its place";
  const hint = "one prefix is one fleet: signalbox fleet show tells of it, signalbox fleet adopt writes over it";
  return answer(memory, "exists", { message, hint, identity });
}

interface RaiseOptions {
  /** In the place of what the node remembers. */
  readonly known: Pick<FleetIdentity, "id" | "generation"> | undefined;
  /** Also where nothing that is known is against the store. */
  readonly force: boolean;
}

export async function raiseFleet(command: FleetCommand, { known, force }: RaiseOptions): Promise<FleetAnswer> {
  const { coordination, memory, signal, by } = command;
  const other = force ? undefined : await otherFleet(command, known);
  if (other !== undefined) return other;
  const there = force ? undefined : await agreed(command, known);
  if (there !== undefined) {
    const message = `nothing to adopt: nothing that is known here is against the store, fleet ${there.id}'s, generation ${there.generation}`;
    const hint = "nodes that are isolated all the same know more: --id and --generation of theirs, or --force";
    return answer(memory, "ok", { message, hint, identity: there });
  }
  const outcome = await adoptFleet(coordination.place, { signal, by, known: known ?? memory?.identity });
  switch (outcome.kind) {
    case "adopted": {
      const { identity } = outcome;
      const { id, generation } = identity;
      const message = `the store is fleet ${id}'s, from generation ${generation} on: its nodes follow it again`;
      return answer(memory, "ok", { message, identity });
    }
    case "unknown": {
      const hint = "say which: --id; or make one: signalbox fleet init";
      return answer(memory, "missing", { message: "neither the store nor this node knows a fleet", hint });
    }
    case "conflict": {
      const message = "somebody else has changed it at the same time: nothing was written";
      return answer(memory, "conflict", { message, hint: "look at it with signalbox fleet show" });
    }
    default:
      return outcome satisfies never;
  }
}

/**
 * The node is of the fleet that the store is of: to make that another one isolates all its nodes.
 */
async function otherFleet(
  { coordination, memory, signal }: FleetCommand,
  known: RaiseOptions["known"],
): Promise<FleetAnswer | undefined> {
  const found = await readFleet(coordination.place, { signal });
  const isOwn = found.kind === "found" && found.identity.id === memory?.identity?.id;
  if (!isOwn || known === undefined || known.id === found.identity.id) return undefined;
  const { identity } = found;
  const message = `the store is fleet ${identity.id}'s, and so is this node: as ${known.id}'s, all nodes that follow it would be isolated`;
  return answer(memory, "conflict", { message, hint: "nothing was written; --force does it all the same", identity });
}

/** The identity that the store has, if whoever knows so much would follow it. */
async function agreed(
  { coordination, memory, signal }: FleetCommand,
  known: RaiseOptions["known"],
): Promise<FleetIdentity | undefined> {
  const found = await readFleet(coordination.place, { signal });
  const remembered = memory?.identity;
  const isOfMemory = known?.id === remembered?.id && known?.generation === remembered?.generation;
  const minEpoch = isOfMemory && remembered !== undefined ? remembered.minEpoch : { generation: 0, revision: 0n };
  const verdict = compareFleet(known && { ...known, minEpoch }, found);
  if (isOfMemory && (await olderConfig(coordination.place, memory, found, { signal })) !== undefined) return undefined;
  return verdict.kind === "isolated" || verdict.kind === "unformed" ? undefined : verdict.identity;
}

interface FleetTold extends Pick<FleetAnswer, "hint" | "message"> {
  /** Of the fleet in the store; absent: there is none. */
  readonly identity?: FleetIdentity | undefined;
}

function answer(
  memory: FleetMemory | undefined,
  kind: FleetAnswer["kind"],
  { message, hint, identity }: FleetTold,
): FleetAnswer {
  const remembered = memory?.identity;
  return {
    kind,
    message,
    ...(hint !== undefined && { hint }),
    fleet: identity === undefined ? null : shownIdentity(identity),
    remembered: remembered === undefined ? null : shownIdentity(remembered),
  };
}
