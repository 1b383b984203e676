import { randomUUID } from "node:crypto";
import { ConfigReconciler, type ConfigReconcilerOptions } from "../../control/fleet/config-reconciler.ts";
import type { OpenControllerLink } from "../../control/fleet/controller-link.ts";
import { DEGRADATION_SCOPE, readDegradationDirective } from "../../control/degradation/degradation-directive.ts";
import { CONFIG_SCOPE } from "../../control/fleet/directive.ts";
import { DirectiveBook } from "../../control/fleet/directive-book.ts";
import { ControllerFollower, type FollowerStatus } from "../../control/fleet/follower.ts";
import { lookUpControllers } from "../../control/fleet/look-up.ts";
import { MemberFollower, sameMachine } from "../../control/fleet/member-follower.ts";
import { SAMPLING_SCOPE } from "../../control/sampling/directive-body.ts";
import { isNewsOfRate } from "../../control/load/offered-rate.ts";
import { reasonOf } from "../../core/errors.ts";
import { machineHosts } from "./dialable.ts";
import type { FleetLinkOptions } from "./fleet-link-options.ts";
import { followerObserver, showEpoch } from "./link-observers.ts";
import { openLink } from "./open-link.ts";
import { NodeLimits } from "./node-limits.ts";
import { HOST, membersIn, reportFacts } from "./report-facts.ts";
import { isBelieved, type ServingController } from "./serving-controller.ts";

/** A node in its role as collector. */
export interface NodeFollower extends AsyncDisposable {
  readonly status: FollowerStatus;
  /**
   * Another config is there: targets may stand for other members of the fleet, and limits be
   * others.
   */
  configured(): void;
  reportNow(): void;
}

/** Follows the controller of its region, be it the node itself. */
export function openNodeFollower(
  options: FleetLinkOptions,
  controller: ServingController | undefined,
  open: OpenControllerLink = (to) => openLink(options, controller, to),
): NodeFollower {
  const late: { reconciler?: ConfigReconciler } = {};
  const incarnation = randomUUID();
  const book = openBook(options, late);
  const members = openMembers(options);
  const follower = openFollower({ ...options, incarnation, open }, controller, { book, members });
  if (options.follow !== undefined) late.reconciler = openReconciler(options, options.follow, follower, incarnation);
  const limitsNow = (): string => JSON.stringify(options.walk.status.running.global.rate_limiting ?? null);
  let limits = limitsNow();
  return {
    get status() {
      return follower.status;
    },
    configured() {
      members.want(membersIn(options.walk.status.running));
      const before = limits;
      limits = limitsNow();
      // It has nothing of limits that are new before it is heard.
      if (limits !== before) follower.reportNow();
    },
    reportNow: () => follower.reportNow(),
    async [Symbol.asyncDispose]() {
      await follower[Symbol.asyncDispose]();
      await options.savedMembers?.[Symbol.asyncDispose]();
      book[Symbol.dispose]();
      await late.reconciler?.[Symbol.asyncDispose]();
    },
  };
}

function openReconciler(
  { facts, env, textOf }: FleetLinkOptions,
  follow: ConfigReconcilerOptions["follow"],
  follower: ControllerFollower,
  incarnation: string,
): ConfigReconciler {
  return new ConfigReconciler({
    ...env,
    id: facts.id,
    incarnation,
    // Who has lost its controller goes back to what it has.
    fetch: async (digest, signal) => textOf?.(digest) ?? (await follower.fetch(digest, signal)),
    async follow(wanted, text) {
      const done = await follow(wanted, text);
      if (done === "done") follower.reportNow();
      return done;
    },
  });
}

function openBook(
  { env, memory, degradation, sampling }: FleetLinkOptions,
  late: { readonly reconciler?: ConfigReconciler },
): DirectiveBook {
  return new DirectiveBook({
    clock: env.clock,
    memory,
    apply(directive) {
      showEpoch(env, directive);
      if (directive.scope === CONFIG_SCOPE) late.reconciler?.applied(directive.body);
      if (directive.scope === DEGRADATION_SCOPE) degradation?.directed(readDegradationDirective(directive.body));
      if (directive.scope === SAMPLING_SCOPE) sampling?.apply(directive);
    },
    expired({ scope, body }) {
      env.metrics.fleetDirectivesOver.with().add(1);
      env.metrics.fleetDirectiveEpoch.remove(scope);
      if (scope === CONFIG_SCOPE) late.reconciler?.expired(body);
      if (scope === DEGRADATION_SCOPE) degradation?.directed(undefined);
    },
    onTrouble: (reason) =>
      env.log.limited("fleet-epoch", 60_000)?.error("an epoch cannot be kept on disk: its directive is not obeyed", {
        reason,
        hint: "see node.data_dir",
      }),
  });
}

/** What is found goes to the data plane. */
function openMembers({ facts, env, walk, addresses, dataPlane, savedMembers }: FleetLinkOptions): MemberFollower {
  const members = new MemberFollower({
    ...env,
    id: facts.id,
    ownAddresses: () => sameMachine(Object.values(addresses()), machineHosts()),
    host: HOST,
    ...(savedMembers !== undefined && { first: savedMembers.first }),
    told: (found) => {
      savedMembers?.keep(found);
      dataPlane.discovered(found).catch((error: unknown) => {
        env.log.limited("members-failed", 60_000)?.error("members of the fleet cannot be applied as targets", {
          kind: "member",
          reason: reasonOf(error),
          hint: "what is known stays: look at the addresses in signalbox topology",
        });
      });
    },
  });
  for (const state of ["used", "kept", "unused"] as const) {
    env.metrics.fleetMembers.with(state).read(() => members.counts[state]);
  }
  members.want(membersIn(walk.status.running));
  return members;
}

function openFollower(
  options: FleetLinkOptions & { readonly incarnation: string; readonly open: OpenControllerLink },
  controller: ServingController | undefined,
  { book, members }: { readonly book: DirectiveBook; readonly members: MemberFollower },
): ControllerFollower {
  const { node, facts, env, memory, openStore, incarnation, sampling } = options;
  const limits = new NodeLimits(options.dataPlane, env.clock, env.random);
  let looks = 0;
  return new ControllerFollower({
    ...env,
    identity: { id: facts.id, region: node.region, incarnation },
    openLink: options.open,
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
    leader: controller && (() => (isBelieved(options) ? controller.controller.leaderOf(node.region) : undefined)),
    book,
    members,
    facts: () => reportFacts({ ...options, limits, missing: () => members.missing }),
    isNews(before, toldMs, nowMs) {
      const perSecond = options.load.newest?.items_per_second ?? 0;
      if (limits.isPressing(perSecond, nowMs - toldMs) || sampling?.isNews() === true) return true;
      return isNewsOfRate({ toldPerSecond: before.load.items_per_second, toldMs }, perSecond, nowMs);
    },
    answered(told, reply) {
      limits.answered(reply);
      sampling?.answered(told.sampling, reply.sampling);
    },
    observer: followerObserver(env),
    reportIntervalMs: node.fleet.report_interval,
  });
}
