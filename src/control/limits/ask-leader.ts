import type { ControllerLink, OpenControllerLink } from "../fleet/controller-link.ts";
import { type ControllerAddress, FLEET_PROTOCOL } from "../fleet/messages.ts";
import type { RegionLimitsOptions } from "./region-limits.ts";

const CALL_MS = 3_000;

export interface LeaderAskerOptions {
  /** Of the controller that asks. */
  readonly id: string;
  readonly region: string;
  readonly leader: () => ControllerAddress | undefined;
  readonly openLink: OpenControllerLink;
}

/** Asks whoever leads the fleet at the moment, by a way that stays open while it is the same. */
export function leaderAsker({ id, region, leader, openLink }: LeaderAskerOptions): RegionLimitsOptions["askLeader"] {
  let way: { readonly key: string; readonly link: ControllerLink } | undefined;
  return async (ask, signal) => {
    const to = leader();
    const key = to && `${to.id} ${to.address}`;
    if (way !== undefined && way.key !== key) {
      await way.link[Symbol.asyncDispose]();
      way = undefined;
    }
    if (to === undefined || key === undefined) return undefined;
    way ??= { key, link: openLink(to) };
    const request = { protocol: FLEET_PROTOCOL, id, region, ask };
    const outcome = await way.link.call("limits", request, { signal, timeoutMs: CALL_MS });
    if (outcome.kind === "reply") return outcome.reply.grant;
    if (signal.aborted) await way.link[Symbol.asyncDispose]();
    return undefined;
  };
}
