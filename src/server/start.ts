import type { AdminContext, LeaderTransfer, NodeFacts } from "../admin/context.ts";
import { listenAdmin } from "../admin/admin-listener.ts";
import { createRoutes } from "../admin/routes.ts";
import { filesReadBy } from "../config/files-read.ts";
import { formatAddress } from "../config/schema/address.ts";
import { hideValuesOf } from "../config/taint.ts";
import type { Config, NodeConfig } from "../config/schema/config.ts";
import { type ConfigWalk, isToRepeat } from "../control/apply.ts";
import type { SeatReader } from "../control/coordination/seats.ts";
import { LimitHolders } from "../control/limits/limit-holders.ts";
import type { LoadMonitor } from "../control/load/load-monitor.ts";
import { openDocumentService } from "../control/document/document-service.ts";
import { writeDegradationOrder } from "../control/degradation/degradation-order.ts";
import { openOperatorStates } from "../control/operator-states.ts";
import { type FleetRollout, fleetRollout } from "../control/rollout/fleet-rollout.ts";
import type { RouteTable } from "../control/route-table.ts";
import { watchRenewals } from "../control/renewals.ts";
import type { Topology } from "../control/topology/topology.ts";
import type { FileTruth } from "../control/truth/file-truth.ts";
import type { Cancel } from "../core/clock.ts";
import type { Rest } from "../core/collect.ts";
import type { Hide } from "../core/hide.ts";
import { eachListener } from "../core/listener-kinds.ts";
import type { RenewableServer } from "../core/sockets/node-http.ts";
import type { DataPlane, DataPlaneStatus, ShutdownReport } from "../plan/data-plane.ts";
import type { Env } from "../telemetry/env.ts";
import { createLedger } from "../telemetry/ledger.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { openRuntimeMetrics } from "../telemetry/runtime.ts";
import { dataPlaneOpener } from "./data-plane-opener.ts";
import { CertificateReport } from "./certificates.ts";
import { memoryProblem } from "./memory-need.ts";
import { tellUnusableProxies } from "./proxies.ts";
import { listenerOptions, listenOptions } from "./listen-options.ts";
import { type NodeAddresses, nodeAddresses } from "./node-addresses.ts";
import { workerCount } from "./worker-count.ts";
import { VERSION } from "../core/version.ts";
import { remembered } from "../core/remembered.ts";
import type { ConfigSource } from "./config-source.ts";
import { linkToFleet, sharesLimits } from "./fleet/link-to-fleet.ts";
import type { FleetLink } from "./fleet/open-fleet-link.ts";
import { nodeIdOf } from "./node-id.ts";
import { type NodeView, openNodeView } from "./node-view.ts";
import { type NodeFleet, openNodeFleet } from "./node-fleet.ts";
import { openBeginning, placeOf } from "./node-beginning.ts";
import { openNodeSeats, seatsOf } from "./node-seats.ts";
import { openRemoteSampling, type RemoteSampling } from "./remote-sampling/open-remote-sampling.ts";
import { documentOf, openSteering, setLog, type Steering } from "./steering.ts";
import type { OpenDataPlane, RunningNode, StartOptions } from "./running-node.ts";

/**
 * Starts a node: data plane, admin listener, watch on the config file, in this order. Fails with
 * LISTEN_FAILED or TLS_INVALID, and then leaves nothing open.
 */
export async function startNode(config: Config, options: StartOptions): Promise<RunningNode> {
  const { log, clock, random, source } = options;
  setLog(log, config);
  const env: Env = { clock, random, log, metrics: createMetrics(), ledger: createLedger() };
  const facts = factsOf(config, options);
  log.info("signalbox starts", { version: VERSION, config: facts.configFile ?? "none", id: facts.id, pid: facts.pid });

  tellUnusableProxies(log, source.place.env);
  const workers = workersOf(config, options);
  await using parts = new AsyncDisposableStack();
  const runtime = parts.use(openRuntimeMetrics(env.metrics, { clock, version: VERSION, ledger: env.ledger }));
  const place = await placeOf(config, options.source, env);
  const fleet = parts.use(await openNodeFleet(config, { source, ...place, env, validators: options.validators ?? [] }));
  const { kept, history, first, plan } = await openBeginning({ config, fleet, ...place }, source, env);
  const reading = { clock, unhurried: options.unhurried ?? false, running: documentOf(source, fleet) };
  const documents = parts.use(openDocumentService(reading)); // nothing waits for this thread yet
  const open = options.openDataPlane ?? (await dataPlaneOpener(workers, options.early));
  const dataPlane = parts.use(await open(plan, listenOptions(config.node), env, planeOptions(config, place, options)));
  const operators = await openOperatorStates({ file: kept?.operatorStates, dataPlane, clock, log });
  const { coordination } = config.node;
  const seats = parts.use(fleet ? seatsOf(fleet.coordination) : openNodeSeats(coordination, place.storeDir, env));
  const steering = await openSteering({ config: first, plan, fleet }, { dataPlane, env, history, documents }, options);
  const { addresses } = await dataPlane.status();
  const own = { ...place, ...steering, fleet, facts, workers, node: config.node, dataPlane, env };
  const more = {
    facts,
    runtime,
    events: log.events,
    source: { file: source.file, place: source.place },
    operators,
    seats,
    ...(await openNodeView(own, parts)),
    fleet,
    settled: options.settled,
  };
  const node = new Node({ env, dataPlane, addresses, ...more, ...steering });
  await node.open(first, place.dataDir, parts);
  log.info("signalbox listens", { ...eachListener((kind) => addresses[kind]), ...node.ownAddresses });
  node.own(parts.move());
  return node;
}

function planeOptions(
  { node }: Config,
  { dataDir }: { readonly dataDir: string | undefined },
  { source, strategies }: StartOptions,
): Parameters<OpenDataPlane>[3] {
  const limitHolding = sharesLimits(node, dataDir) ? new LimitHolders() : undefined;
  return { secrets: { env: source.place.env }, strategies, limitHolding };
}

/** How many processes carry data; told is what there is no memory for. */
function workersOf({ node }: Config, { workers = 0, log }: StartOptions): number {
  const count = workerCount(node, workers);
  const memory = memoryProblem(node, count, process.constrainedMemory());
  if (memory !== undefined) log.warn(memory.message, { key: memory.path, hint: memory.hint });
  return count;
}

function factsOf(config: Config, { clock, source }: StartOptions): NodeFacts {
  return {
    id: nodeIdOf(config.node),
    roles: config.node.roles,
    version: VERSION,
    pid: process.pid,
    startedMs: clock.wallMs(),
    configFile: source.file,
  };
}

/** Made once for each config. */
function hideFor(walk: ConfigWalk): () => Hide {
  const hideOf = remembered(hideValuesOf);
  return () => hideOf(walk.status.running);
}

/** Undefined: it shares no store with others. */
function fleetOrders(fleet: NodeFleet | undefined): AdminContext["fleetDegradation"] {
  if (fleet === undefined) return undefined;
  const { place } = fleet.coordination;
  return (order, options) => writeDegradationOrder(place, order, options);
}

interface NodeParts
  extends Steering,
    Omit<
      AdminContext,
      "walk" | "table" | "ownAddresses" | "stopping" | "notReady" | "fleetConfig" | "fleetLink" | "fleetDegradation"
    > {
  /** Where it listens: the same to its end. */
  readonly addresses: DataPlaneStatus["addresses"];
  /** Without its text, which is another one after the next change. */
  readonly source: Pick<ConfigSource, "file" | "place">;
  readonly settled: StartOptions["settled"];
  readonly fleet: NodeFleet | undefined;
  readonly joined: NodeView["joined"];
  readonly sampling: NodeView["sampling"];
}

/** A change is often followed by the next: what all of them took is given back once. */
const SETTLED_MS = 1_000;
/** After so long again it is likely that nothing follows. */
const RESTED_MS = 4_000;
/** And the plan of before, which is kept so long in case all workers end of the new one. */
const PROVEN_MS = 32_000;

class Node implements RunningNode {
  readonly env: Env;
  readonly dataPlane: DataPlane;
  readonly walk: ConfigWalk;
  readonly table: RouteTable;
  readonly load: LoadMonitor;
  readonly topology: Topology;
  readonly seats: SeatReader & LeaderTransfer;
  readonly rollout: FleetRollout | undefined;
  readonly #parts: NodeParts;
  #admin: RenewableServer | undefined;
  #sources: RemoteSampling | undefined;
  /** Undefined: it is alone. */
  #link: FleetLink | undefined;
  #owned: AsyncDisposableStack | undefined;
  #settling: Cancel | undefined;
  readonly #stopping = new AbortController();
  #stopped: Promise<ShutdownReport> | undefined;

  constructor(parts: NodeParts) {
    this.env = parts.env;
    this.dataPlane = parts.dataPlane;
    this.walk = parts.walk;
    this.table = parts.table;
    this.load = parts.load;
    this.topology = parts.topology;
    this.seats = parts.seats;
    this.rollout = parts.fleet && fleetRollout(parts.fleet.coordination.place, parts.fleet.memory);
    this.#parts = parts;
  }

  get addresses(): NodeAddresses {
    return nodeAddresses(this.#parts.addresses, this.ownAddresses);
  }

  /** Of listeners that are not the data plane's. */
  get ownAddresses(): Record<"admin" | "sampling_http" | "sampling_grpc", string | undefined> {
    const { sampling_http, sampling_grpc } = this.#sources?.addresses ?? {};
    return { admin: this.#admin && formatAddress(this.#admin), sampling_http, sampling_grpc };
  }

  /** The admin listener and the watch; what was opened is put into `stack`. */
  async open(config: Config, dataDir: string | undefined, stack: AsyncDisposableStack): Promise<void> {
    const { env, walk, file, fleet, follower, dataPlane } = this.#parts;
    const { admin } = config.node.listen;
    if (admin !== false) {
      const routes = createRoutes(this.#adminContext());
      const { tokens } = config.node.admin;
      const options = { ...env, ...listenerOptions(admin), tokens, routes, hide: hideFor(walk) };
      this.#admin = stack.use(await listenAdmin(options));
    }
    this.#sources = stack.use(
      await openRemoteSampling(config, env, {
        directed: () => dataPlane.sampling?.traces ?? [],
        degradedRate: () => this.#parts.degradation.fleetRate,
      }),
    );
    this.#followCertificates(config, stack);
    void this.#followEvents();
    await this.#joinFleet(config.node, dataDir, stack);
    // Whoever is no controller has it from one, and leaves the store alone.
    const isTold = this.#link !== undefined && !config.node.roles.includes("controller");
    if (fleet !== undefined && !isTold) void follower?.follow(fleet.truth, this.#stopping.signal);
    if (file === undefined) return;
    stack.use(file);
    void this.#followFile(file);
  }

  /** To the end of the node: an edit of the file is a config to apply, or the node's part. */
  async #followFile(file: FileTruth): Promise<void> {
    const { walk, fleet, documents } = this.#parts;
    const onGlance = fleet === undefined ? (text: string): void => walk.readAhead(text) : undefined;
    for await (const news of file.watch({ signal: this.#stopping.signal, onGlance })) {
      if (news.kind === "unreadable") walk.unreadable(news.reason);
      if (news.kind !== "document") continue;
      const outcome = await (fleet?.readOwn(news.text, { walk, documents }) ?? walk.apply(news.text));
      if (isToRepeat(outcome)) news.again();
    }
  }

  async #joinFleet(node: NodeConfig, dataDir: string | undefined, stack: AsyncDisposableStack): Promise<void> {
    const { fleet: shared } = this.#parts;
    const sampling = this.#parts.sampling.fleet;
    const addresses = (): NodeAddresses => this.addresses;
    this.#link = await linkToFleet({ ...this.#parts, node, dataDir, shared, sampling, addresses });
    if (this.#link !== undefined) stack.use(this.#link);
    this.#parts.degradation.stands(this.#link === undefined ? "alone" : "in_fleet");
    this.#parts.joined.fleet = this.#link?.topology;
  }

  /** To the end of the data plane. */
  async #followEvents(): Promise<void> {
    for await (const event of this.dataPlane.events) {
      await this.walk.takenBack(event);
      await this.#parts.follower?.takenBack(event.version);
    }
  }

  /** Those that are renewed in place are applied; when they end can be seen. */
  #followCertificates(config: Config, stack: AsyncDisposableStack): void {
    const { env, source, walk, applied } = this.#parts;
    const report = new CertificateReport(env);
    report.show(config);
    applied.tell = (next) => {
      void this.dataPlane.renew(listenOptions(next.node)); // never rejects
      const { admin } = next.node.listen;
      const tls = admin === false ? undefined : listenerOptions(admin).tls;
      if (tls !== undefined) this.#admin?.renew(tls);
      this.#sources?.configured(next);
      this.#link?.renew(next.node.fleet);
      report.show(next);
      this.#link?.configured();
      this.#settle();
    };
    stack.use(
      watchRenewals({
        clock: env.clock,
        files: () => filesReadBy(walk.status.running, source.place.folder),
        renewed: async () => {
          env.log.info("files that the config names were renewed");
          return !isToRepeat(await walk.again());
        },
      }),
    );
  }

  #settle(): void {
    const { env, settled } = this.#parts;
    this.#settling?.();
    if (settled === undefined) return;
    settled("none");
    const after = (delayMs: number, rest: Rest, then?: () => void): void => {
      this.#settling = env.clock.after(delayMs, () => {
        settled(rest);
        then?.();
      });
    };
    after(SETTLED_MS, "short", () => after(RESTED_MS, "long", () => after(PROVEN_MS - RESTED_MS, "long")));
  }

  /** From here on the node closes what it consists of. */
  own(stack: AsyncDisposableStack): void {
    this.#owned = stack;
  }

  async reload(): Promise<void> {
    await this.#parts.file?.force();
  }

  stop(): Promise<ShutdownReport> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<ShutdownReport> {
    // First of all: a change that is applied while all ends would open what nobody closes.
    this.walk.close();
    this.#settling?.();
    await this.#parts.file?.[Symbol.asyncDispose]();
    this.#stopping.abort();
    // Nobody is to send to it, or wait for it, while its queues drain.
    const left = this.#link?.[Symbol.asyncDispose]();
    const report = await this.dataPlane.shutdown(this.walk.status.running.node.shutdown_grace);
    // The admin listener answers to the end: whoever waits for the drain can watch it.
    await left;
    await this.#owned?.[Symbol.asyncDispose]();
    return report;
  }

  #adminContext(): AdminContext {
    const ownAddresses = (): Node["ownAddresses"] => this.ownAddresses;
    const { follower } = this.#parts;
    return {
      ...this.#parts,
      rollout: this.rollout,
      ownAddresses,
      fleetDegradation: fleetOrders(this.#parts.fleet),
      stopping: () => this.#stopped !== undefined,
      notReady: () => follower?.notReady() ?? [],
      fleetConfig: () => follower?.status,
      fleetLink: () => this.#link,
    };
  }
}
