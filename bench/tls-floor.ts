import { fork } from "node:child_process";
import { createServer, connect as connectPlain } from "node:net";
import type { Server, Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, Server as TlsServer } from "node:tls";
import { readAccepted, readInChunks } from "../src/core/sockets/read-socket.ts";
import type { ReadAccepted } from "../src/core/sockets/read-socket.ts";
import { benchIdentity } from "./identity.ts";
import { pause } from "./pause.ts";
import { formatTable } from "./table.ts";

/**
 * `node bench/tls-floor.ts`: what TLS costs by itself: CPU of this process for a body of so many
 * bytes (1,000 spans) that is read and thrown away, on four connections with two bodies each under
 * way. Lanes take turns. A second process writes a body for each byte that it is told.
 */
const BODY_BYTES = 373_000;
const CONNECTIONS = 4;
const UNDER_WAY = 2;
const WINDOWS = 40;
const WINDOW_BODIES = 200;

interface Lane {
  readonly name: string;
  /** What it took for one body, in each window. */
  readonly us: number[];
  /** Takes so many bodies. */
  run(bodies: number): Promise<void>;
}

const [port, tls] = process.argv.slice(2);
if (port === undefined) await measure();
else for (let i = 0; i < CONNECTIONS; i++) send(Number(port), tls === "tls");

async function measure(): Promise<void> {
  const identity = await benchIdentity();
  const lanes = [
    await openLane("plain", createServer({ pauseOnConnect: true }), readAccepted),
    await openLane("TLS", createTlsServer(identity), readAccepted),
    await openLane("TLS, as Node reads", createTlsServer(identity), readInChunks),
  ];
  for (const lane of lanes) await lane.run(2 * WINDOW_BODIES);
  for (let i = 0; i < WINDOWS; i++) {
    for (const lane of i % 2 === 0 ? lanes : lanes.toReversed()) {
      const before = process.cpuUsage();
      await lane.run(WINDOW_BODIES);
      const { user, system } = process.cpuUsage(before);
      lane.us.push((user + system) / WINDOW_BODIES);
    }
  }
  const rows = lanes.map(({ name, us }) => [name, ...[0, 0.25, 0.5, 0.75].map((share) => quantile(us, share))]);
  process.stdout.write(`${formatTable([["us a body", "least", "quarter", "median", "three quarters"], ...rows])}\n`);
  process.exit(0);
}

async function openLane(name: string, server: Server, read: ReadAccepted): Promise<Lane> {
  const sockets: Socket[] = [];
  let [left, open] = [0, 0];
  let done = (): void => undefined;
  const took = (socket: Socket): void => {
    if (left-- > 0) socket.write("x");
    else if (--open === 0) done();
  };
  const isTls = server instanceof TlsServer;
  server.on(isTls ? "secureConnection" : "connection", (accepted: Socket) => {
    let bytes = 0;
    const socket = read(accepted, ({ length }) => {
      for (bytes += length; bytes >= BODY_BYTES; bytes -= BODY_BYTES) took(socket);
    });
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("it does not listen");
  fork(import.meta.filename, [String(bound.port), isTls ? "tls" : "plain"]);
  while (sockets.length < CONNECTIONS) await pause(20);
  return {
    name,
    us: [],
    run: (bodies) =>
      new Promise((resolve) => {
        done = resolve;
        open = CONNECTIONS * UNDER_WAY;
        left = bodies - open;
        for (const socket of sockets) socket.write("x".repeat(UNDER_WAY));
      }),
  };
}

function send(to: number, isTls: boolean): void {
  const body = Buffer.alloc(BODY_BYTES);
  const at = { host: "127.0.0.1", port: to };
  const socket = isTls ? connectTls({ ...at, rejectUnauthorized: false }) : connectPlain(at);
  socket.setNoDelay().on("data", ({ length }: Buffer) => {
    for (let i = 0; i < length; i++) socket.write(body);
  });
  for (const event of ["error", "close"]) socket.on(event, () => process.exit(0));
}

function quantile(list: readonly number[], share: number): string {
  const sorted = list.toSorted((a, b) => a - b);
  return (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
}
