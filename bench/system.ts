import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { DEFAULT_GRPC_TRANSPORT, type GrpcTransport } from "../src/core/grpc-transport.ts";
import type { Case } from "./case.ts";
import { startChild, untilListening } from "./child.ts";
import type { Child } from "./child.ts";
import { collectorConfig, nginxConfig, vectorConfig } from "./peer-config.ts";
import { routerConfig } from "./router-config.ts";

/** A system that was started and listens. */
export interface Running {
  readonly child: Child;
  readonly port: number;
}

export interface System {
  readonly name: string;
  /** Why it cannot be measured here; undefined when it can. */
  missing(): string | undefined;
  runs(run: Case): boolean;
  /** `dir`: an empty folder of its own. */
  start(run: Case, sinkPorts: readonly [number, number], dir: string): Promise<Running>;
  /** What its target speaks; the case's own protocol when left out. */
  readonly sinkProtocol?: "http";
  /** Takes the bytes and keeps them to itself: nothing arrives at the sinks. */
  readonly swallows?: boolean;
}

const ROOT = join(import.meta.dirname, "..");
const BIN = join(ROOT, "bin/signalbox.js");
/** Measured as it is published: what is built, not the sources. */
const BUILT = join(ROOT, "dist/cli/main.js");

function signalbox(name: string, transport: GrpcTransport, runs: (run: Case) => boolean): System {
  return {
    name,
    missing: () => (existsSync(BUILT) ? undefined : `${BUILT} is not there: npm run build`),
    runs,
    async start(run, targets, dir) {
      const [grpc, http, admin] = await freePorts(3);
      const ports = { grpc: grpc!, http: http!, admin: admin!, targets };
      const file = join(dir, "signalbox.yaml");
      writeFileSync(file, routerConfig(run, ports, join(dir, "data"), transport));
      const child = startChild(process.execPath, [BIN, "run", "-c", file], { SIGNALBOX_BUILT: "1" });
      return listening(child, run.protocol === "grpc" ? ports.grpc : ports.http);
    },
  };
}

export const SIGNALBOX = signalbox("signalbox", DEFAULT_GRPC_TRANSPORT, () => true);
/** The implementation of HTTP/2 that is not the default, on the loads that peers run too. */
const OTHER: GrpcTransport = DEFAULT_GRPC_TRANSPORT === "own" ? "node" : "own";
const SIGNALBOX_OTHER = signalbox(`signalbox, transport: ${OTHER}`, OTHER, (run) => run.peers);

/** A content-blind pass-through and a receiver on node:http2: the limits of the platform. */
const PASSTHROUGH: System = {
  name: "pass-through (node:http2)",
  missing: () => undefined,
  runs: plainGrpc,
  async start(_run, [target]) {
    const [port] = await freePorts(1);
    const file = join(import.meta.dirname, "passthrough.ts");
    return listening(startChild(process.execPath, [file, String(port), String(target)]), port!);
  },
};

const RECEIVE_ONLY: System = {
  name: "receive only (node:http2)",
  swallows: true,
  missing: () => undefined,
  runs: plainGrpc,
  async start() {
    const [port] = await freePorts(1);
    const file = join(import.meta.dirname, "passthrough.ts");
    return listening(startChild(process.execPath, [file, String(port)]), port!);
  },
};

const NGINX: System = {
  name: "nginx grpc_pass, one worker",
  missing: () => (onPath("nginx") ? undefined : "no nginx on the PATH"),
  runs: plainGrpc,
  async start(_run, [target], dir) {
    const [port] = await freePorts(1);
    const file = join(dir, "nginx.conf");
    mkdirSync(join(dir, "temp"));
    writeFileSync(file, nginxConfig(port!, target, dir));
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

export const PEERS: readonly System[] = [SIGNALBOX_OTHER, PASSTHROUGH, RECEIVE_ONLY, NGINX, COLLECTOR, VECTOR];

/** What a system that does not look inside can be given. */
function plainGrpc(run: Case): boolean {
  return run.peers && run.protocol === "grpc" && !run.gzipIn && run.load.kind === "saturating";
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
