import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { systemClock } from "../../src/core/clock.ts";
import { freePorts } from "../../test/support/free-port.ts";
import { startChild, untilListening } from "../child.ts";
import { openFolder } from "../folder.ts";
import { pause } from "../pause.ts";
import { privateBytesOf, processesOf, usageOfTree } from "../process-usage.ts";

export const RULES_OF_EACH = 10;
/** What was left behind is collected by then. */
const SETTLED_MS = 10_000;
const START_MS = 120_000;
const MAIN = join(import.meta.dirname, "..", "..", "bin", "signalbox.js");

/** A node that carries nothing, with ten rules for each of so many services in a YAML file. */
export interface RuleNode extends AsyncDisposable {
  readonly pid: number;
  readonly file: string;
  /** Its admin API. */
  readonly admin: string;
  /** From the start of the process until it listens, and what that cost. */
  readonly start: { readonly wallMs: number; readonly cpuMs: number };
}

export async function startRuleNode(workers: number, services: number): Promise<RuleNode> {
  await using owned = new AsyncDisposableStack();
  const folder = owned.use(openFolder()).path;
  const [port = 0] = await freePorts(1);
  const file = join(folder, "signalbox.yaml");
  writeFileSync(file, documentOf({ workers, services, port, dataDir: join(folder, "data") }));
  const startedMs = systemClock.nowMs();
  const child = owned.use(startChild(process.execPath, [MAIN, "run", file], { SIGNALBOX_BUILT: "1" }));
  await untilListening(child, port, START_MS);
  const start = { wallMs: systemClock.nowMs() - startedMs, cpuMs: usageOfTree(child.pid).cpuSeconds * 1_000 };
  const kept = owned.move();
  return {
    pid: child.pid,
    file,
    admin: `http://127.0.0.1:${port}/api/v1`,
    start,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Private bytes of the main process, then of its workers, some time after the last change. */
export async function settledMemory({ pid }: RuleNode): Promise<number[]> {
  await pause(SETTLED_MS);
  return memoryOf(pid);
}

/** The same as it is now. */
export function memoryOf(pid: number): number[] {
  return processesOf(pid).map(privateBytesOf);
}

interface Shape {
  readonly workers: number;
  readonly services: number;
  readonly port: number;
  readonly dataDir: string;
}

function documentOf({ workers, services, port, dataDir }: Shape): string {
  const [otlp_grpc, otlp_http, admin] = ["127.0.0.1:0", "127.0.0.1:0", `127.0.0.1:${port}`].map((address) => ({
    address,
  }));
  const listen = { otlp_grpc, otlp_http, admin };
  const targets = ["a", "b"].map((id) => ({ id, endpoint: "http://127.0.0.1:9", health_check: false }));
  const rules = Array.from({ length: services * RULES_OF_EACH }, (_, i) => ({
    id: `rule-${i}`,
    conditions: [
      { service_name: `service-${Math.floor(i / RULES_OF_EACH)}` },
      { resource: { key: "deployment.environment.name", equals: `stage-${i % RULES_OF_EACH}` } },
    ],
    pool: i % 2 === 0 ? "a" : "b",
  }));
  const pools = { a: { targets: ["a"] }, b: { targets: ["b"] } };
  return stringify({ node: { id: "n", data_dir: dataDir, workers, listen }, targets, pools, rules, default_pool: "a" });
}
