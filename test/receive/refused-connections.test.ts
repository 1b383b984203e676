import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { before, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import tls, { type ConnectionOptions } from "node:tls";
import { listenAdmin } from "../../src/admin/admin-listener.ts";
import { systemClock } from "../../src/core/clock.ts";
import { CONNECTION_REFUSALS, type ConnectionRefusalReason } from "../../src/core/connection-refusal.ts";
import { systemRandom } from "../../src/core/random.ts";
import { openRemoteSampling } from "../../src/server/remote-sampling/open-remote-sampling.ts";
import { createLedger } from "../../src/telemetry/ledger.ts";
import { loadConfig } from "../../src/config/load.ts";
import { HIDE_NOTHING } from "../../src/core/hide.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import type { ListenerName } from "../../src/telemetry/refused-connections.ts";
import { createAuthority, type Identity, type TestAuthority } from "../support/certs.ts";
import { openReceiving } from "./harness.ts";

let authority: TestAuthority;
let server: Identity;
let stranger: Identity;

before(async () => {
  authority = await createAuthority();
  server = await authority.server();
  stranger = await (await createAuthority("another")).client();
});

/** A listener of its own for each case: what it counts and logs. */
interface Watched extends AsyncDisposable {
  readonly port: number;
  readonly metrics: Metrics;
  readonly lines: readonly string[];
}

interface Settings {
  readonly tls?: { cert: string; key: string; clientCa?: string };
  readonly maxConnections?: number;
}

const LISTENERS: Readonly<Record<ListenerName, (settings: Settings) => Promise<Watched>>> = {
  async otlp_grpc({ tls: secure, maxConnections }) {
    const receiving = await openReceiving({
      ...(secure && { tls: secure }),
      ...(maxConnections !== undefined && { grpc: { maxConnections } }),
    });
    return watched(receiving, receiving.grpcPort);
  },
  async otlp_http({ tls: secure, maxConnections }) {
    const receiving = await openReceiving({
      ...(secure && { tls: secure }),
      ...(maxConnections !== undefined && { http: { maxConnections } }),
    });
    return watched(receiving, receiving.httpPort);
  },
  async admin({ tls: secure }) {
    const metrics = createMetrics();
    const lines: string[] = [];
    const write = (line: string): void => void lines.push(line);
    const log = createLog({ clock: systemClock, write, level: "info", format: "json", colour: false });
    const place = { host: "127.0.0.1", port: 0, tls: secure, tokens: [], routes: [], hide: () => HIDE_NOTHING };
    const admin = await listenAdmin({ ...place, clock: systemClock, log, metrics });
    return { port: admin.port, metrics, lines, [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose]() };
  },
  sampling_http: ({ tls: secure }) => sampling("sampling_http", secure),
  sampling_grpc: ({ tls: secure }) => sampling("sampling_grpc", secure),
};

/** Where sources ask what to send, as it is in a node that does nothing else. */
async function sampling(name: "sampling_http" | "sampling_grpc", secure: Settings["tls"]): Promise<Watched> {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ clock: systemClock, write, level: "info", format: "json", colour: false });
  const env = { clock: systemClock, random: systemRandom, log, metrics: createMetrics(), ledger: createLedger() };
  const listen = {
    [name]: {
      address: "127.0.0.1:0",
      ...(secure && { tls: { cert: secure.cert, key: secure.key, client_ca: secure.clientCa } }),
    },
  };
  const { config } = loadConfig(JSON.stringify({ node: { listen } }), { file: "t", env: {}, readFile: String });
  assert.ok(config);
  const remote = await openRemoteSampling(config, env, { directed: () => [] });
  const port = Number(remote.addresses[name]?.split(":").at(-1));
  return { port, metrics: env.metrics, lines, [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose]() };
}

function watched(receiving: { metrics: Metrics; lines: readonly string[] } & AsyncDisposable, port: number): Watched {
  const { metrics, lines } = receiving;
  return { port, metrics, lines, [Symbol.asyncDispose]: () => receiving[Symbol.asyncDispose]() };
}

/** Waits until one connection was refused, whatever for, and tells what for. */
async function refusal(name: ListenerName, { metrics }: Watched): Promise<ConnectionRefusalReason> {
  for (;;) {
    const reason = CONNECTION_REFUSALS.find((one) => metrics.connectionsRefused.with(name, one).value > 0);
    if (reason !== undefined) return reason;
    await turn();
  }
}

/** Connects, and stays until the listener ends it. */
function shakeHands(port: number, options: ConnectionOptions): void {
  const socket = tls.connect({ host: "127.0.0.1", port, ca: authority.ca, ...options });
  socket.on("error", () => {});
  socket.resume();
}

interface Case {
  readonly name: string;
  /** Of listeners that take gRPC alone. */
  readonly isGrpc?: true;
  readonly mutual?: true;
  readonly reason: ConnectionRefusalReason;
  /** Gets the protocols that the listener speaks, too. */
  readonly connect: (port: number, protocols: string[]) => void;
}

const CASES: readonly Case[] = [
  {
    name: "plain text to a listener with TLS",
    reason: "not_tls",
    connect: (port) => {
      const socket = net.connect(port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
      socket.on("error", () => {});
      socket.resume();
    },
  },
  {
    name: "a client without a certificate where one is asked for",
    mutual: true,
    reason: "client_certificate",
    connect: (port, protocols) => shakeHands(port, { ALPNProtocols: protocols }),
  },
  {
    name: "a client with somebody else's certificate",
    mutual: true,
    reason: "client_certificate",
    connect: (port, protocols) => shakeHands(port, { ...stranger, ALPNProtocols: protocols }),
  },
  {
    name: "a client that goes away within the handshake",
    reason: "handshake",
    connect: (port) => {
      const socket = net.connect(port, "127.0.0.1", () => {
        socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), () => socket.destroy());
      });
    },
  },
  {
    name: "a client of gRPC that offers no HTTP/2",
    isGrpc: true,
    reason: "no_alpn",
    connect: (port) => shakeHands(port, { ALPNProtocols: ["http/1.1"] }),
  },
  {
    name: "a client of gRPC without ALPN",
    isGrpc: true,
    reason: "no_alpn",
    connect: (port) => shakeHands(port, {}),
  },
];

for (const name of ["otlp_grpc", "otlp_http", "admin", "sampling_http", "sampling_grpc"] as const) {
  for (const { name: what, isGrpc, mutual, reason, connect } of CASES) {
    if (isGrpc === true && !name.endsWith("_grpc")) continue;
    test(`${name}: ${what} is counted and logged`, async () => {
      const secure = { ...server, ...(mutual && { clientCa: authority.ca }) };
      await using listener = await LISTENERS[name]({ tls: secure });
      connect(listener.port, name.endsWith("_grpc") ? ["h2"] : ["http/1.1"]);
      assert.equal(await refusal(name, listener), reason);
      const line = listener.lines.find((one) => one.includes("a connection was refused")) ?? "";
      assert.match(line, new RegExp(`"listener":"${name}","reason":"${reason}".*"hint":"`, "u"));
      assert.doesNotMatch(line, /openssl|\.c:\d+/iu);
    });
  }
}

for (const name of ["otlp_grpc", "otlp_http"] as const) {
  test(`${name}: connections beyond the limit are counted, and logged once`, async () => {
    await using listener = await LISTENERS[name]({ maxConnections: 1 });
    const sockets = Array.from({ length: 3 }, () => net.connect(listener.port, "127.0.0.1"));
    for (const socket of sockets) socket.on("error", () => {}).resume();
    const ended = sockets.map(async (socket) => once(socket, "close"));
    await Promise.race(ended);
    const { metrics } = listener;
    while (metrics.connectionsRefused.with(name, "limit").value < 2) await turn();
    const lines = listener.lines.filter((one) => one.includes("a connection was refused"));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /node\.limits\.max_connections/u);
    for (const socket of sockets) socket.destroy();
    await Promise.all(ended);
  });
}
