import type { RecipePlace } from "../../store/recipes/place.ts";
import { createElection } from "../../store/recipes/election.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { type FleetVerdict, readFleet } from "../../store/recipes/identity.ts";
import type { Member } from "../../store/recipes/member.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import type { CallOptions } from "../../store/store.ts";
import { RouterError } from "../../core/errors.ts";
import { GLOBAL_ELECTION, regionElection } from "../coordination/seats.ts";
import { decodeLeader, leaderAddress } from "./leader-value.ts";
import { MEMBER_ROLES, MEMBER_TLS } from "./member-metadata.ts";
import type { ControllerAddress } from "./messages.ts";

/** More are not tried: who leads is among the first. */
const MOST_CONTROLLERS = 6;

/**
 * Who controls a region, as the store has it: its leader, or the world's, who adopts regions
 * without one; and then those of its members that have the role, who know who leads. Fails with
 * `STORE_REFUSED` where the store is not to be believed, and as the store does.
 */
export async function lookUpControllers(
  place: RecipePlace,
  region: string,
  memory: Pick<FleetMemory, "check">,
  options: CallOptions,
): Promise<readonly ControllerAddress[]> {
  const verdict = await memory.check(await readFleet(place, options));
  if (verdict.kind === "isolated" || verdict.kind === "unformed") throw notBelieved(verdict);
  const [regional, global, { members }] = await Promise.all([
    createElection(place, regionElection(region)).leader(options),
    createElection(place, GLOBAL_ELECTION).leader(options),
    createRegistry(place).list(options),
  ]);
  const leaders = [regional, global].flatMap((leader) => {
    const value = leader.kind === "leader" ? decodeLeader(leader.value) : undefined;
    return value === undefined ? [] : leaderAddress(value);
  });
  const found = [...leaders, ...controllersAmong(members, region)];
  return found.filter(({ id }, at) => found.findIndex((one) => one.id === id) === at).slice(0, MOST_CONTROLLERS);
}

function controllersAmong(members: readonly Member[], region: string): ControllerAddress[] {
  return members
    .filter(({ metadata, region: its }) => its === region && rolesOf(metadata).includes("controller"))
    .map(({ id, address, metadata }) => ({ id, address, tls: metadata[MEMBER_TLS] === "true" }));
}

function rolesOf(metadata: Readonly<Record<string, string>>): readonly string[] {
  return (metadata[MEMBER_ROLES] ?? "").split(",");
}

function notBelieved({ message, hint }: Extract<FleetVerdict, { kind: "isolated" | "unformed" }>): RouterError {
  return new RouterError("STORE_REFUSED", message, { hint });
}
