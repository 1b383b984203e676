import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../../src/core/clock.ts";
import { freePorts } from "../../test/support/free-port.ts";
import type { Case } from "../case.ts";
import { type Child, startChild, untilListening } from "../child.ts";
import { benchIdentity, writeIdentity } from "../identity.ts";
import { Admin } from "../parts/admin.ts";
import { routerConfig } from "../router-config.ts";
import { linesOf, type Renewals, RENEWALS_FILE, renewalsIn } from "./renewals.ts";

export const FLEET_PREFIX = "/bench";

/** Where a fleet of nodes is, and what it carries. */
export interface BenchFleetPlace {
  readonly endpoints: readonly string[];
  readonly folder: string;
  readonly run: Case;
  /** Of the sinks behind pool a and pool b. */
  readonly sinks: readonly [number, number];
}

/** A node of a fleet, as people start one. */
export interface BenchNode extends AsyncDisposable {
  readonly id: string;
  readonly pid: number;
  readonly port: number;
  readonly admin: Admin;
  /** What has become of its leases from now on, until the function that it gives is called. */
  renewals(): () => Renewals;
}

const ROOT = join(import.meta.dirname, "../..");
const SIGNALBOX = join(ROOT, "bin/signalbox.js");
const WITNESS = pathToFileURL(join(import.meta.dirname, "witness.ts")).href;
const BUILT = { SIGNALBOX_BUILT: "1" };
const RUNS_MS = 60_000;

/** Ready when it listens; which config it runs is another matter. */
export async function startBenchNode(id: string, place: BenchFleetPlace): Promise<BenchNode> {
  const [grpc = 0, http = 0, admin = 0, fleet = 0] = await freePorts(4);
  const { node } = await documentFor(place, { grpc, http, admin }, id);
  const file = join(place.folder, `${id}.json`);
  const own = {
    ...node,
    id,
    coordination: coordinationOf(place),
    fleet: { listen: { address: `127.0.0.1:${fleet}` } },
  };
  writeFileSync(file, JSON.stringify({ node: own }));
  const renewed = join(place.folder, `${id}.renewals`);
  writeFileSync(renewed, "");
  const env = { ...BUILT, [RENEWALS_FILE]: renewed, NODE_OPTIONS: `--import=${WITNESS}` };
  const child = startChild(process.execPath, [SIGNALBOX, "run", "-c", file], env);
  await listensOn(child, [grpc, admin]);
  return {
    id,
    pid: child.pid,
    port: grpc,
    admin: new Admin(admin),
    renewals() {
      const skip = linesOf(readFileSync(renewed, "latin1")).length;
      return () => renewalsIn(readFileSync(renewed, "latin1"), skip);
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** `signalbox config apply`: gives what the command took, the start of its process with it. */
export async function applyToFleet(place: BenchFleetPlace, version: number): Promise<number> {
  const { node: _node, ...fleet } = await documentFor(place, { grpc: 0, http: 0, admin: 0 }, "none");
  // A rule that nothing matches: each version is compiled and applied as any other.
  const rule = { id: `version-${version}`, conditions: [{ service_name: `none-${version}` }], pool: "b" };
  const document = { node: { coordination: coordinationOf(place) }, ...fleet, rules: [...fleet.rules, rule] };
  const file = join(place.folder, "fleet.json");
  writeFileSync(file, JSON.stringify(document));
  const startMs = systemClock.nowMs();
  const args = [SIGNALBOX, "config", "apply", file, "--init", "--note", `version ${version}`];
  await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...BUILT }, timeout: RUNS_MS });
  return systemClock.nowMs() - startMs;
}

interface FleetDocumentText {
  readonly node: Readonly<Record<string, unknown>>;
  readonly rules: readonly object[];
}

async function documentFor(
  { run, sinks, folder }: BenchFleetPlace,
  ports: { readonly grpc: number; readonly http: number; readonly admin: number },
  id: string,
): Promise<FleetDocumentText> {
  const identity = writeIdentity(await benchIdentity(), folder);
  const place = { dataDir: join(folder, id), transport: "own", workers: run.workers, identity } as const;
  const text = routerConfig(run, { ...ports, targets: sinks }, place);
  return JSON.parse(text) as FleetDocumentText; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as that writes it
}

function coordinationOf({ endpoints }: BenchFleetPlace): object {
  return { type: "etcd", endpoints, prefix: FLEET_PREFIX };
}

async function listensOn(child: Child, ports: readonly number[]): Promise<void> {
  try {
    for (const port of ports) await untilListening(child, port, RUNS_MS);
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
}
