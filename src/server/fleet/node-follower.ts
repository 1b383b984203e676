import { randomUUID } from "node:crypto";
import { ConfigTaker } from "../../control/fleet/config-taker.ts";
import type { ControllerLink } from "../../control/fleet/controller-link.ts";
import { CONFIG_SCOPE } from "../../control/fleet/directive.ts";
import { DirectiveBook } from "../../control/fleet/directive-book.ts";
import { ControllerFollower, type FollowerStatus } from "../../control/fleet/follower.ts";
import { createLocalLink } from "../../control/fleet/local-link.ts";
import { lookUpControllers } from "../../control/fleet/look-up.ts";
import type { ControllerAddress } from "../../control/fleet/messages.ts";
import { isNewsOfRate } from "../../control/load/offered-rate.ts";
import type { FleetLinkOptions } from "./fleet-link-options.ts";
import { openHttp2Link } from "./http2-link.ts";
import { followerObserver, showEpoch } from "./link-observers.ts";
import { reportFacts } from "./report-facts.ts";
import type { ServingController } from "./serving-controller.ts";

/** A node in its role as collector. */
export interface NodeFollower extends AsyncDisposable {
  readonly status: FollowerStatus;
}

/** Follows the controller of its region, be it the node itself. */
export function openNodeFollower(options: FleetLinkOptions, controller: ServingController | undefined): NodeFollower {
  const { facts, env, follow } = options;
  const late: { taker?: ConfigTaker } = {};
  const book = openBook(options, late);
  const follower = openFollower(options, controller, book);
  const fetch = (digest: string, signal: AbortSignal): Promise<string | undefined> => follower.fetch(digest, signal);
  if (follow !== undefined) late.taker = new ConfigTaker({ ...env, id: facts.id, fetch, follow });
  return {
    get status() {
      return follower.status;
    },
    async [Symbol.asyncDispose]() {
      await follower[Symbol.asyncDispose]();
      book[Symbol.dispose]();
      await late.taker?.[Symbol.asyncDispose]();
    },
  };
}

function openBook({ env, memory }: FleetLinkOptions, late: { readonly taker?: ConfigTaker }): DirectiveBook {
  return new DirectiveBook({
    clock: env.clock,
    memory,
    apply(directive) {
      showEpoch(env, directive);
      if (directive.scope === CONFIG_SCOPE) late.taker?.applied(directive.body);
    },
    expired({ scope, body }) {
      env.metrics.fleetDirectivesOver.with().add(1);
      env.metrics.fleetDirectiveEpoch.remove(scope);
      if (scope === CONFIG_SCOPE) late.taker?.expired(body);
    },
    onTrouble: (reason) =>
      env.log.limited("fleet-epoch", 60_000)?.error("an epoch cannot be kept on disk: its directive is not obeyed", {
        reason,
        hint: "see node.data_dir",
      }),
  });
}

function openFollower(
  options: FleetLinkOptions,
  controller: ServingController | undefined,
  book: DirectiveBook,
): ControllerFollower {
  const { node, facts, env, memory, openStore } = options;
  let looks = 0;
  return new ControllerFollower({
    ...env,
    identity: { id: facts.id, region: node.region, incarnation: randomUUID() },
    openLink: (to) => openLink(options, controller, to),
    async lookUp(signal) {
      if (controller !== undefined) {
        // It watches who leads: when all others have gone it still knows, or leads itself.
        const found = await lookUpControllers(controller.place, node.region, memory, { signal });
        return [...found.filter(({ id }) => id !== facts.id), controller.self];
      }
      await using store = await openStore();
      const found = await lookUpControllers(store.place, node.region, memory, { signal });
      // It was read at the start; whoever lost its controller since may have missed what came.
      const mayBeNew = looks++ > 0 || found.length === 0;
      if (mayBeNew && book.current(CONFIG_SCOPE) === undefined) await options.followStore?.(signal);
      return found;
    },
    leader: controller && (() => controller.controller.leaderOf(node.region)),
    book,
    facts: () => reportFacts(options),
    isNews(before, toldMs, nowMs) {
      const perSecond = options.load.newest?.items_per_second ?? 0;
      return isNewsOfRate({ toldPerSecond: before.load.items_per_second, toldMs }, perSecond, nowMs);
    },
    observer: followerObserver(env),
    reportIntervalMs: node.fleet.report_interval,
  });
}

/** To itself a node does not go over sockets. */
export function openLink(
  { node, env }: FleetLinkOptions,
  controller: ServingController | undefined,
  to: ControllerAddress,
): ControllerLink {
  if (controller !== undefined && to.id === controller.self.id) return createLocalLink(to, controller.calls, env.clock);
  const { token, tls = {} } = node.fleet;
  const { ca, cert, key, server_name: serverName } = tls;
  return openHttp2Link(to, {
    token,
    tls: {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key: key.reveal() }),
      ...(serverName !== undefined && { serverName }),
    },
    ...env,
  });
}
