import { existsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DEFAULT_GRPC_TRANSPORT, type GrpcTransport } from "../src/core/grpc-transport.ts";
import { freePorts } from "../test/support/free-port.ts";
import type { Case } from "./case.ts";
import { startChild } from "./child.ts";
import type { Child } from "./child.ts";
import { benchIdentity, writeIdentity } from "./identity.ts";
import { commitOf } from "./machine.ts";
import { routerConfig } from "./router-config.ts";
import type { RouterPorts } from "./router-config.ts";
import { listening } from "./start.ts";

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
  /** What its targets speak, where it is not what the case says. */
  sinkProtocol?(run: Case): Case["protocol"];
  /** As it says it itself. */
  version?(): string;
  /** Takes the bytes and keeps them to itself: nothing arrives at the sinks. */
  readonly swallows?: boolean;
}

/** The router on one of the two implementations of HTTP/2. */
export interface RouterSystem extends System {
  readonly transport: GrpcTransport;
}

const ROOT = join(import.meta.dirname, "..");

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
