import { createServer, type Server } from "node:net";
import type { Address } from "../../config/schema/address.ts";
import type { Clock } from "../../core/clock.ts";
import { RouterError, reasonOf } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { NEW_CONNECTIONS_A_SECOND } from "../../control/fleet/reconnect.ts";
import { resetSocket } from "../../core/reset-socket.ts";
import { listenAt } from "../../core/sockets/listen-at.ts";
import { listenUnary } from "../../http2/own/listen-unary.ts";
import type { ListeningServer } from "../../core/sockets/listening-server.ts";
import type { TlsServerOptions } from "../../core/sockets/tls-server-options.ts";
import type { UnaryHandler } from "../../http2/port.ts";
import { ConnectionGate, NewConnections } from "./new-connections.ts";

/**
 * Why a connection was closed: before its handshake, or `silent`: it has not shown in time that it
 * is of the fleet. A closed list: label of a metric.
 */
const REFUSED_CONNECTIONS = ["rate", "limit", "silent"] as const;
export type RefusedConnection = (typeof REFUSED_CONNECTIONS)[number];

interface FleetListenerOptions {
  readonly address: Address;
  readonly tls: TlsServerOptions | undefined;
  readonly handler: UnaryHandler;
  readonly onRefused: (reason: RefusedConnection) => void;
  /** At once; default: those of the largest region, twice. */
  readonly maxConnections?: number;
}

/**
 * Where a node's controller is reached. Disposing it ends its calls; `close` lets answers go
 * out.
 */
export interface FleetListener extends AsyncDisposable {
  readonly address: Address;
  readonly connections: number;
  /** Those as well that have not ended their handshake. */
  readonly arrived: number;
  renew(tls: TlsServerOptions): void;
  /** Takes no more, and ends when what is under way has, at the latest after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Those of the largest region, twice: some are half gone while their successors come. */
const MAX_CONNECTIONS = 40_000;
/** Whoever has made no call by then that was taken keeps others out. A handshake may take 10 s. */
const SILENT_MS = 15_000;
const LIMITS = {
  maxConcurrentStreams: 16,
  maxHeaderBytes: 16_384,
  maxConnections: MAX_CONNECTIONS,
  // Collectors stay with their controller for as long as it leads.
  maxConnectionAgeMs: 0,
  maxConnectionAgeGraceMs: 10_000,
  keepaliveTimeMs: 30_000,
  keepaliveTimeoutMs: 10_000,
} as const;

/**
 * Serves controllers' calls. More new connections than a controller can greet are closed before
 * their handshake, which is what costs. Throws LISTEN_FAILED or TLS_INVALID.
 */
export async function listenFleet(
  options: FleetListenerOptions,
  env: { readonly clock: Clock; readonly random: Random },
): Promise<FleetListener> {
  const { address, tls, onRefused, maxConnections = MAX_CONNECTIONS } = options;
  const onSilent = (): void => onRefused("silent");
  const arrivals = new NewConnections({ clock: env.clock, patienceMs: SILENT_MS, onSilent });
  const handler = arrivals.watch(options.handler);
  const unary = await listenUnary({ ...address, ...LIMITS, tls, handler, handedOver: true }, env);
  const gate = new ConnectionGate(env.clock, NEW_CONNECTIONS_A_SECOND);
  const door = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on("error", ignore);
    const reason = arrivals.open >= maxConnections ? "limit" : gate.admit() ? undefined : "rate";
    if (reason === undefined) {
      arrivals.add(socket);
      return unary.take(socket);
    }
    onRefused(reason);
    resetSocket(socket); // its peer is not to wait for a handshake
  });
  try {
    return listenerOf(await listen(door, address), { door, unary, arrivals });
  } catch (cause) {
    await unary[Symbol.asyncDispose]();
    throw cause;
  }
}

interface ListenerParts {
  readonly door: Server;
  readonly unary: ListeningServer;
  readonly arrivals: NewConnections;
}

function listenerOf(address: Address, { door, unary, arrivals }: ListenerParts): FleetListener {
  return {
    address,
    get arrived() {
      return arrivals.open;
    },
    get connections() {
      return unary.connections;
    },
    renew: (tls) => unary.renew(tls),
    async close(graceMs) {
      door.close();
      await unary.drain(graceMs);
    },
    async [Symbol.asyncDispose]() {
      door.close();
      await unary[Symbol.asyncDispose]();
    },
  };
}

function listen(door: Server, at: Address): Promise<Address> {
  return listenAt(door, at).catch((cause: unknown) => {
    const message = `cannot listen for collectors on ${at.host}:${at.port}: ${reasonOf(cause)}`;
    throw new RouterError("LISTEN_FAILED", message, { cause, hint: "give node.fleet.listen another address" });
  });
}

function ignore(_cause: unknown): void {}
