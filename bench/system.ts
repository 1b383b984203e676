import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { DEFAULT_GRPC_TRANSPORT, GRPC_TRANSPORTS, type GrpcTransport } from "../src/core/grpc-transport.ts";
import type { Case } from "./case.ts";
import { startChild, untilListening } from "./child.ts";
import type { Child } from "./child.ts";
import { benchIdentity, writeIdentity } from "./identity.ts";
import { commitOf } from "./machine.ts";
import { collectorConfig, nginxConfig, vectorConfig } from "./peer-config.ts";
import { routerConfig } from "./router-config.ts";
import type { RouterPorts } from "./router-config.ts";

/** A system that was started and listens. */
export interface Running {
  readonly child: Child;
  readonly port: number;
  /** The router's, of each listener. */
  readonly ports?: RouterPorts;
  /** The config that the router reads again on SIGHUP. */
  readonly configFile?: string;
}

/** What a process is started with besides. */
export interface StartOptions {
  /** Which its children inherit. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface System {
  readonly name: string;
  /** Why it cannot be measured here; undefined when it can. */
  missing(): string | undefined;
  runs(run: Case): boolean;
  /** `dir`: an empty folder of its own. */
  start(run: Case, sinkPorts: readonly [number, number], dir: string, options?: StartOptions): Promise<Running>;
  /** What its target speaks; the case's own protocol when left out. */
  readonly sinkProtocol?: "http";
  /** Takes the bytes and keeps them to itself: nothing arrives at the sinks. */
  readonly swallows?: boolean;
}

/** The router on one of the two implementations of HTTP/2. */
export interface RouterSystem extends System {
  readonly transport: GrpcTransport;
}

const ROOT = join(import.meta.dirname, "..");

/**
 * As the router's workers have it (src/server/workers/worker-flags.ts), so that what is compared
 * with them has the same advantage.
 */
const NODE_FLAGS = ["--min-semi-space-size=8", "--max-semi-space-size=8", "--heap-growing-percent=200"];

function signalbox(transport: GrpcTransport): RouterSystem {
  const usual = transport === DEFAULT_GRPC_TRANSPORT;
  const name = usual ? "signalbox" : `signalbox, transport: ${transport}`;
  return { ...router(name, transport, ROOT), runs: (run) => usual || run.peers };
}

/** Of another checkout, to be compared with this one. */
export function otherBuild(root: string): RouterSystem {
  return router(`signalbox ${commitOf(root) ?? basename(root)}`, DEFAULT_GRPC_TRANSPORT, root);
}

/** Measured as it is published: what is built, not the sources. */
function router(name: string, transport: GrpcTransport, root: string): RouterSystem {
  const built = join(root, "dist/cli/main.js");
  const knowsWorkers = existsSync(join(root, "src/server/workers"));
  return {
    name,
    transport,
    missing: () => (existsSync(built) ? undefined : `${built} is not there: npm run build`),
    runs: () => true,
    async start(run, targets, dir, { env = {} } = {}) {
      const [grpc, http, admin] = await freePorts(3);
      const ports = { grpc: grpc!, http: http!, admin: admin!, targets };
      const file = join(dir, "signalbox.yaml");
      const identity = writeIdentity(await benchIdentity(), dir);
      const workers = run.workers ?? (knowsWorkers ? 0 : undefined);
      writeFileSync(file, routerConfig(run, ports, { dataDir: join(dir, "data"), transport, workers, identity }));
      const args = [join(root, "bin/signalbox.js"), "run", "-c", file];
      const child = startChild(process.execPath, args, { ...env, SIGNALBOX_BUILT: "1" });
      const running = await listening(child, run.protocol === "grpc" ? ports.grpc : ports.http);
      return { ...running, ports, configFile: file };
    },
  };
}

/**
 * By the implementation of HTTP/2: the default runs all cases, the other one those that peers run
 * too.
 */
export const ROUTERS: Readonly<Record<GrpcTransport, RouterSystem>> = {
  own: signalbox("own"),
  node: signalbox("node"),
};
export const SIGNALBOX = ROUTERS[DEFAULT_GRPC_TRANSPORT];
const OTHERS = GRPC_TRANSPORTS.filter((transport) => transport !== DEFAULT_GRPC_TRANSPORT).map((each) => ROUTERS[each]);

/** A content-blind pass-through and a receiver on node:http2: the limits of the platform. */
const PASSTHROUGH: System = {
  name: "pass-through (node:http2)",
  missing: () => undefined,
  runs: plainGrpc,
  async start(_run, [target]) {
    const [port] = await freePorts(1);
    return listening(startNode("passthrough.ts", port!, target), port!);
  },
};

function receiveOnly(name: string, file: string): System {
  return {
    name,
    swallows: true,
    missing: () => undefined,
    runs: plainGrpc,
    async start() {
      const [port] = await freePorts(1);
      return listening(startNode(file, port!), port!);
    },
  };
}

export const NGINX: System = {
  name: "nginx grpc_pass, one worker",
  missing: () => (onPath("nginx") ? undefined : "no nginx on the PATH"),
  runs: (run) => plainGrpc(run) || (run.peers && run.tls === "in"),
  async start(run, [target], dir) {
    const [port] = await freePorts(1);
    const file = join(dir, "nginx.conf");
    mkdirSync(join(dir, "temp"));
    const identity = run.tls === "none" ? undefined : writeIdentity(await benchIdentity(), dir);
    writeFileSync(file, nginxConfig(port!, target, dir, identity));
    return listening(startChild("nginx", ["-p", dir, "-c", file, "-e", join(dir, "error.log")]), port!);
  },
};

const COLLECTOR: System = {
  name: "OpenTelemetry Collector",
  missing: () => missingBinary("OTELCOL_BIN"),
  runs: plainGrpc,
  async start(_run, [target], dir) {
    const [port] = await freePorts(1);
    const file = join(dir, "otelcol.yaml");
    writeFileSync(file, collectorConfig(port!, target));
    const binary = process.env["OTELCOL_BIN"] ?? "";
    return listening(startChild(binary, ["--config", file], { GOMAXPROCS: "1" }), port!);
  },
};

const VECTOR: System = {
  name: "Vector",
  sinkProtocol: "http",
  missing: () => missingBinary("VECTOR_BIN"),
  runs: (run) => plainGrpc(run) && run.name === "grpc-100",
  async start(_run, [target], dir) {
    const [grpc, http] = await freePorts(2);
    const file = join(dir, "vector.yaml");
    writeFileSync(file, vectorConfig(grpc!, http!, target, dir));
    const binary = process.env["VECTOR_BIN"] ?? "";
    return listening(startChild(binary, ["--config", file, "--threads", "1"]), grpc!);
  },
};

export const PEERS: readonly System[] = [
  ...OTHERS,
  PASSTHROUGH,
  receiveOnly("receive only (own)", "receive-own.ts"),
  receiveOnly("receive only (node:http2)", "passthrough.ts"),
  NGINX,
  COLLECTOR,
  VECTOR,
];

/** What a system that does not look inside can be given. */
function plainGrpc(run: Case): boolean {
  return run.peers && run.protocol === "grpc" && run.tls === "none" && !run.gzipIn;
}

/** A server of this folder. */
function startNode(file: string, ...ports: readonly number[]): Child {
  return startChild(process.execPath, [...NODE_FLAGS, join(import.meta.dirname, file), ...ports.map(String)]);
}

async function listening(child: Child, port: number): Promise<Running> {
  try {
    await untilListening(child, port);
    return { child, port };
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
}

/** Ports that were free a moment ago: the systems take none of them by themselves. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    if (bound !== null && typeof bound === "object") ports.push(bound.port);
  }
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  return ports;
}

function missingBinary(variable: string): string | undefined {
  const binary = process.env[variable];
  if (binary === undefined || binary === "") return `${variable} is not set`;
  return existsSync(binary) ? undefined : `${variable} names ${binary}, which is not there`;
}

function onPath(command: string): boolean {
  try {
    execFileSync(command, ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
