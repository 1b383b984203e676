import { NEWEST_SCHEMA } from "../../config/schema/fleet.ts";
import type { ControllerAddress } from "../../control/fleet/messages.ts";
import { registerController, type RegisteredController } from "../../control/region/register-controller.ts";
import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { FleetLinkOptions } from "./fleet-link-options.ts";
import { healthOf } from "./report-facts.ts";

/** Where the store refuses it, rights may be given meanwhile: then, or twice as late. */
const AGAIN_MS = 15_000;

export type RegisteredNode = Pick<FleetLinkOptions, "dataPlane" | "env" | "facts" | "load" | "node">;

/**
 * Lists a controller in the store, with how it does, until it is disposed: as soon as the store
 * lets it. The node runs meanwhile.
 */
export function keepRegistered(node: RegisteredNode, place: RecipePlace, self: ControllerAddress): AsyncDisposable {
  const closing = new AbortController();
  const ended = run(node, place, self, closing.signal);
  return {
    async [Symbol.asyncDispose]() {
      closing.abort(new RouterError("SHUTDOWN", "this node is a controller no more"));
      await ended;
    },
  };
}

async function run(
  node: RegisteredNode,
  place: RecipePlace,
  self: ControllerAddress,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const member = await register(node, place, self, signal);
    if (member === undefined) await sleep(place.clock, AGAIN_MS * (1 + place.random.next()), signal).catch(ignore);
    else {
      await tellHealth(member, node, signal);
      await member[Symbol.asyncDispose]();
    }
  }
}

/** Undefined: the store refuses it, or it was ended. */
async function register(
  { node, facts, load, env }: RegisteredNode,
  place: RecipePlace,
  self: ControllerAddress,
  signal: AbortSignal,
): Promise<RegisteredController | undefined> {
  const { region, roles } = node;
  const capacity = load.capacity.items_per_second;
  const member = { ...self, region, version: facts.version, capacity, roles, schemaMax: NEWEST_SCHEMA };
  try {
    return await registerController({ place, node: member, signal, ttlMs: node.fleet.lease, log: env.log });
  } catch (cause) {
    if (signal.aborted) return undefined;
    env.log.limited("controller-listed", 60_000)?.error("this controller cannot be listed in the store", {
      kind: "member",
      id: facts.id,
      reason: reasonOf(cause),
      hint: "see who may write, in docs/fleet-config.md; it is tried again",
    });
    return undefined;
  }
}

/** Nothing is written while it is as before. */
async function tellHealth(member: RegisteredController, node: RegisteredNode, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // What cannot be written now is written once it can be.
    await member.heartbeat(await healthOf(node), { signal }).catch(ignore);
    await sleep(node.env.clock, node.node.fleet.report_interval, signal).catch(ignore);
  }
}

function ignore(): void {}
