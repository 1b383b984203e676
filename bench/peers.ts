import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_GRPC_TRANSPORT, GRPC_TRANSPORTS } from "../src/core/grpc-transport.ts";
import { freePorts } from "../test/support/free-port.ts";
import type { Case } from "./case.ts";
import { startChild } from "./child.ts";
import { benchIdentity, writeIdentity } from "./identity.ts";
import { collectorConfig, dataflowConfig, vectorConfig } from "./peer-config.ts";
import { envoyConfig, haproxyConfig, nginxConfig } from "./proxy-config.ts";
import { listening, missingBinary, startNode, versionOf } from "./start.ts";
import { ROUTERS } from "./system.ts";
import type { System } from "./system.ts";

/**
 * Systems beside which the router is measured. None of them divides a request: everything goes to
 * the first sink.
 */

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

const nginxVersion = (): string | undefined => versionOf("nginx", "-v");

export const NGINX: System = {
  name: "nginx, one worker",
  missing: () => (nginxVersion() === undefined ? "no nginx on the PATH" : undefined),
  version: () => nginxVersion() ?? "",
  runs: (run) => plainGrpc(run) || (run.peers && run.tls === "in"),
  sinkProtocol: ({ protocol }) => protocol,
  async start(run, [target], dir) {
    const [port] = await freePorts(1);
    const file = join(dir, "nginx.conf");
    mkdirSync(join(dir, "temp"));
    const identity = run.tls === "none" ? undefined : writeIdentity(await benchIdentity(), dir);
    writeFileSync(file, nginxConfig({ protocol: run.protocol, port: port!, target, dir, identity }));
    return listening(startChild("nginx", ["-p", dir, "-c", file, "-e", join(dir, "error.log")]), port!);
  },
};

const haproxyVersion = (): string | undefined => versionOf("haproxy", "-v");

function haproxy(mode: "tcp" | "http", name: string): System {
  return {
    name,
    missing: () => (haproxyVersion() === undefined ? "no haproxy on the PATH" : undefined),
    version: () => haproxyVersion() ?? "",
    runs: plainGrpc,
    sinkProtocol: ({ protocol }) => protocol,
    async start({ protocol }, [target], dir) {
      const [port] = await freePorts(1);
      const file = join(dir, "haproxy.cfg");
      writeFileSync(file, haproxyConfig({ mode, protocol, port: port!, target }));
      return listening(startChild("haproxy", ["-db", "-f", file]), port!);
    },
  };
}

/** Bytes from socket to socket: what marks are a share of. */
export const HAPROXY_TCP = haproxy("tcp", "HAProxy, mode tcp, one thread, default buffers");
const HAPROXY_HTTP = haproxy("http", "HAProxy, mode http, one thread, default buffers");

interface Room {
  /** Empty. */
  readonly dir: string;
  /** Another port that is free. */
  readonly spare: number;
}

/** A program that the environment names and that is told all by one file. */
interface Named {
  readonly name: string;
  readonly variable: string;
  readonly file: string;
  readonly runs: System["runs"];
  readonly config: (run: Case, port: number, target: number, more: Room) => string;
  readonly args: (file: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly sinkProtocol?: NonNullable<System["sinkProtocol"]>;
}

function named({ name, variable, file, runs, config, args, env, sinkProtocol }: Named): System {
  const binary = (): string => process.env[variable] ?? "";
  return {
    name,
    missing: () => missingBinary(variable),
    version: () => versionOf(binary(), "--version") ?? "",
    runs,
    ...(sinkProtocol !== undefined && { sinkProtocol }),
    async start(run, [target], dir) {
      const [port, spare] = await freePorts(2);
      const path = join(dir, file);
      writeFileSync(path, config(run, port!, target, { dir, spare: spare! }));
      return listening(startChild(binary(), args(path), env), port!);
    },
  };
}

function collector(how: "synchronous" | "wait_for_result"): System {
  return named({
    name: `OpenTelemetry Collector, ${how}`,
    variable: "OTELCOL_BIN",
    file: "otelcol.yaml",
    runs: plainGrpc,
    config: ({ protocol }, port, target) => collectorConfig({ how, protocol, port, target }),
    args: (file) => ["--config", file],
    env: { GOMAXPROCS: "1" },
  });
}

const COLLECTOR = collector("wait_for_result");

const DATAFLOW = named({
  name: "otel-arrow dataflow engine, one core",
  variable: "DF_ENGINE_BIN",
  file: "dataflow.yaml",
  runs: plainGrpc,
  config: ({ protocol }, port, target) => dataflowConfig({ protocol, port, target }),
  args: (file) => ["--config", file, "--num-cores", "1"],
});

const ENVOY = named({
  name: "Envoy, one worker",
  variable: "ENVOY_BIN",
  file: "envoy.yaml",
  runs: plainGrpc,
  sinkProtocol: ({ protocol }) => protocol,
  config: ({ protocol }, port, target) => envoyConfig({ protocol, port, target }),
  args: (file) => ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"],
});

const VECTOR = named({
  name: "Vector",
  variable: "VECTOR_BIN",
  file: "vector.yaml",
  runs: (run) => plainGrpc(run) && run.name === "grpc-100",
  sinkProtocol: () => "http",
  config: (_run, port, target, { dir, spare }) => vectorConfig(port, spare, target, dir),
  args: (file) => ["--config", file, "--threads", "1"],
});

const OTHERS = GRPC_TRANSPORTS.filter((transport) => transport !== DEFAULT_GRPC_TRANSPORT).map((each) => ROUTERS[each]);

/** Of the cases that peers run. */
export const PEERS: readonly System[] = [
  ...OTHERS,
  PASSTHROUGH,
  receiveOnly("receive only (own)", "receive-own.ts"),
  receiveOnly("receive only (node:http2)", "passthrough.ts"),
  NGINX,
  COLLECTOR,
  VECTOR,
];

/** Of the part `wire`, besides the proxy that reads nothing. */
export const WIRE_PEERS: readonly System[] = [
  HAPROXY_HTTP,
  NGINX,
  collector("synchronous"),
  COLLECTOR,
  DATAFLOW,
  ENVOY,
];

/** What a system that does not look inside can be given. */
function plainGrpc(run: Case): boolean {
  return run.peers && run.protocol === "grpc" && run.tls === "none" && !run.gzipIn;
}
