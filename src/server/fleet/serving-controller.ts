import { type Address, AddressSchema, formatAddress } from "../../config/schema/address.ts";
import type { NodeConfig } from "../../config/schema/config.ts";
import type { RateLimitingDocument } from "../../config/schema/limiting.ts";
import { DEFAULT_FLEET_ADDRESS } from "../../config/schema/node-fleet.ts";
import type { ControllerCalls } from "../../control/fleet/controller-calls.ts";
import type { ControllerAddress } from "../../control/fleet/messages.ts";
import type { Controller } from "../../control/global/controller.ts";
import { openController } from "../../control/global/open-controller.ts";
import { controllerMetrics } from "../../control/region/controller-metrics.ts";
import { watchIdentity } from "../../control/region/watch-identity.ts";
import { RouterError } from "../../core/errors.ts";
import type { ServerCertificate } from "../../core/sockets/tls-server-options.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { compileLimits } from "../../plan/compile-limits.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import { tlsOptions } from "../listen-options.ts";
import { createFleetAuth } from "./fleet-auth.ts";
import { createFleetHandler } from "./fleet-handler.ts";
import type { FleetLinkOptions } from "./fleet-link-options.ts";
import { type FleetListener, listenFleet, type RefusedConnection } from "./fleet-listener.ts";
import { createDocumentFetcher } from "./fetch-document.ts";
import { keepRegistered } from "./keep-registered.ts";
import { servedObserver } from "./link-observers.ts";
import { openLink } from "./open-link.ts";

const LEAVE_MS = 2_000;
const DEFAULT_PLACE: Address = AddressSchema.parse(DEFAULT_FLEET_ADDRESS);

/** A node in its role as controller. */
export interface ServingController extends AsyncDisposable {
  readonly address: string | undefined;
  readonly self: ControllerAddress;
  readonly calls: ControllerCalls;
  readonly controller: Controller;
  readonly place: RecipePlace;
  /** Certificates and the token, for what comes from now on. */
  renew(fleet: NodeConfig["fleet"]): void;
}

/** Listens, stands for its region and for the fleet, and is listed. Throws as `openFleetLink`. */
export async function openServingController(options: FleetLinkOptions): Promise<ServingController> {
  const { node, facts, env, openStore } = options;
  await using parts = new AsyncDisposableStack();
  const { place } = parts.use(await openStore());
  // The address is known once it listens, and what it listens for once the address is.
  const late: { calls?: ControllerCalls } = {};
  const endpoint = await listen(options, late);
  const listener = endpoint && parts.use(endpoint.listener);
  const address = listener && formatAddress(listener.address);
  const self = { id: facts.id, address: node.fleet.advertise ?? address ?? "", tls: isSecure(node) };
  const controller = openController({
    place,
    controller: self,
    region: node.region,
    generation: () => generationOf(options),
    leaseMs: node.fleet.lease,
    reportIntervalMs: node.fleet.report_interval,
    summaryIntervalMs: node.fleet.topology_interval,
    isConfigured: (region) => Object.hasOwn(options.walk.status.running.regions, region),
    limits: runningLimits(options),
    tasks: options.leaderTasks,
    fetchBody: createDocumentFetcher(place),
    openLink: (to) => openLink(options, { self, calls: lateCalls(late) }, to),
    log: env.log,
    observer: controllerMetrics(env.metrics),
  });
  parts.use(watchIdentity(place, options.memory, env.log));
  late.calls = controller.calls;
  parts.defer(async () => {
    // Those who wait hear that it leads no more before the listener ends.
    await controller[Symbol.asyncDispose]();
    await listener?.close(LEAVE_MS);
  });
  parts.use(keepRegistered(options, place, self));
  const ended = parts.move();
  const { calls } = controller;
  const renew = (fleet: NodeConfig["fleet"]): void => endpoint?.renew(fleet);
  return { address, self, calls, controller, place, renew, [Symbol.asyncDispose]: () => ended.disposeAsync() };
}

/** Asked with each Report: the same object while the config is the same. */
function runningLimits({ walk }: Pick<FleetLinkOptions, "walk">): () => LimitsData | undefined {
  let made: { readonly of: RateLimitingDocument | undefined; readonly limits: LimitsData | undefined } | undefined;
  return () => {
    const of = walk.status.running.global.rate_limiting;
    if (made?.of !== of) made = { of, limits: compileLimits(of) };
    return made?.limits;
  };
}

/** Undefined: whose the store is has not been found out, or it is not this fleet's. */
function generationOf(options: FleetLinkOptions): number | undefined {
  return isBelieved(options) ? options.memory.identity?.generation : undefined;
}

/** Whether the store is known to be the fleet's, as far as has been found out. */
export function isBelieved({ memory, isIsolated }: Pick<FleetLinkOptions, "isIsolated" | "memory">): boolean {
  const { verdict } = memory;
  const isKnown = verdict === "same" || verdict === "raised" || verdict === "new";
  return isKnown && isIsolated?.() !== true;
}

function isSecure({ fleet }: NodeConfig): boolean {
  return fleet.listen !== false && fleet.listen?.tls !== undefined;
}

/** Where it is reached, and whom it lets in. */
interface FleetEndpoint {
  readonly listener: FleetListener;
  renew(fleet: NodeConfig["fleet"]): void;
}

async function listen(
  { node, env }: FleetLinkOptions,
  late: { readonly calls?: ControllerCalls },
): Promise<FleetEndpoint | undefined> {
  const { listen: where, token, accept_tokens } = node.fleet;
  if (where === false) return undefined;
  const tls = tlsOf(node.fleet);
  const auth = createFleetAuth({ token, accept_tokens, mutual: tls?.clientCa !== undefined });
  const calls = lateCalls(late);
  const handler = createFleetHandler({ calls, auth, clock: env.clock, observer: servedObserver(env) });
  const onRefused = (reason: RefusedConnection): void => env.metrics.fleetRefusedConnections.with(reason).add(1);
  const listener = await listenAt(where?.address, (address) => listenFleet({ address, tls, handler, onRefused }, env));
  env.metrics.fleetConnections.with().read(() => listener.connections);
  return {
    listener,
    renew(fleet) {
      const next = tlsOf(fleet);
      if (tls !== undefined && next !== undefined) listener.renew(next);
      auth.renew(fleet);
    },
  };
}

function tlsOf({ listen: where }: NodeConfig["fleet"]): ServerCertificate | undefined {
  return where === undefined || where === false ? undefined : tlsOptions(where.tls);
}

/** Where nothing is said, another node of this machine may have the usual port: any will do. */
async function listenAt(
  address: Address | undefined,
  open: (address: Address) => Promise<FleetListener>,
): Promise<FleetListener> {
  if (address !== undefined) return open(address);
  try {
    return await open(DEFAULT_PLACE);
  } catch (cause) {
    if (!(cause instanceof RouterError) || cause.code !== "LISTEN_FAILED") throw cause;
    return open({ ...DEFAULT_PLACE, port: 0 });
  }
}

/** Until there is a controller nobody leads. */
function lateCalls(late: { readonly calls?: ControllerCalls }): ControllerCalls {
  const nobody = { protocol: 1, not_leader: true } as const;
  return {
    report: async (request, called) => late.calls?.report(request, called) ?? nobody,
    await: async (request, called) => late.calls?.await(request, called) ?? nobody,
    fetch: async (request, called) => late.calls?.fetch(request, called) ?? nobody,
    goodbye: async (request, called) => late.calls?.goodbye(request, called) ?? nobody,
    limits: async (request, called) => late.calls?.limits(request, called) ?? nobody,
    members: async (request, called) => late.calls?.members(request, called) ?? nobody,
    discover: async (request, called) => late.calls?.discover(request, called) ?? nobody,
    member: async (request, called) => late.calls?.member(request, called) ?? nobody,
  };
}
