/**
 * What 10,000 rules over 1,000 services cost a node, and what a change of one of them does, by the
 * API and by an edit of the file, with one worker and with none: milliseconds until it runs, of the
 * clock and of the processor, and private memory beside that of a node with ten rules.
 * `node bench/rule-change.ts [rounds] [checkout]` prints JSON.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { systemClock } from "../src/core/clock.ts";
import { startChild, untilListening } from "./child.ts";
import { openFolder } from "./folder.ts";
import { privateBytesOf, processesOf, usageOfTree } from "./process-usage.ts";
import { freePorts } from "./start.ts";

const RULES_OF_EACH = 10;
const SERVICES = 1_000;
const ROUNDS = Number(process.argv[2] ?? 9);
const BETWEEN_MS = 500;
/** What was left behind is collected by then. */
const SETTLED_MS = 10_000;
const START_MS = 120_000;
const MAIN = join(process.argv[3] ?? join(import.meta.dirname, ".."), "bin", "signalbox.js");

interface Change {
  readonly wallMs: number;
  readonly cpuMs: number;
}

interface Node {
  readonly pid: number;
  readonly file: string;
  readonly admin: string;
}

const result: Record<string, unknown> = {};
for (const workers of [1, 0]) result[`workers_${workers}`] = await measured(workers);
process.stdout.write(
  `${JSON.stringify({ rules: SERVICES * RULES_OF_EACH, ...result, node: process.version }, undefined, 2)}\n`,
);

async function measured(workers: number): Promise<object> {
  const few = await onNode(workers, 1, async (node) => memoryOf(node));
  return await onNode(workers, SERVICES, async (node, startMs) => {
    const atStart = await memoryOf(node);
    const api = await rounds((round) => byApi(node, round));
    const file = await rounds((round) => byFile(node, round));
    const after = await memoryOf(node);
    return { start_ms: startMs, by_api: told(api), by_file: told(file), memory_mib: { few, at_start: atStart, after } };
  });
}

async function onNode<Result>(
  workers: number,
  services: number,
  use: (node: Node, startMs: number) => Promise<Result>,
): Promise<Result> {
  using folder = openFolder();
  const [port] = (await freePorts(1)) as [number];
  const file = join(folder.path, "signalbox.yaml");
  writeFileSync(file, documentOf({ workers, services, port, dataDir: join(folder.path, "data") }));
  const startedMs = systemClock.nowMs();
  await using child = startChild(process.execPath, [MAIN, "run", file]);
  await untilListening(child, port, START_MS);
  const startMs = Math.round(systemClock.nowMs() - startedMs);
  return await use({ pid: child.pid, file, admin: `http://127.0.0.1:${port}/api/v1` }, startMs);
}

async function rounds(change: (round: number) => Promise<Change>): Promise<Change[]> {
  const changes: Change[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(BETWEEN_MS);
    changes.push(await change(round));
  }
  return changes;
}

function byApi({ pid, admin }: Node, round: number): Promise<Change> {
  const id = `rule-${5_000 + round}`;
  return timed(pid, async () => {
    const reply = await fetch(`${admin}/rules/${id}`, {
      method: "PUT",
      headers: { "content-type": "application/json", "if-match": "*" },
      body: JSON.stringify({ conditions: [{ service_name: `changed-${round}` }], pool: "a" }),
    });
    if (!reply.ok) throw new Error(`${reply.status}: ${await reply.text()}`);
    await reply.text();
  });
}

function byFile({ pid, file, admin }: Node, round: number): Promise<Change> {
  return timed(pid, async () => {
    const before = await versionOf(admin);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(`service_name: service-${700 + round}\n`, `service_name: edited-${round}\n`));
    while ((await versionOf(admin)) === before) await sleep(5);
  });
}

async function versionOf(admin: string): Promise<unknown> {
  const { config } = (await (await fetch(`${admin}/node`)).json()) as { config: { version: unknown } };
  return config.version;
}

/** The processor has what it does after the answer, too. */
async function timed(pid: number, change: () => Promise<void>): Promise<Change> {
  const cpu = usageOfTree(pid).cpuSeconds;
  const startMs = systemClock.nowMs();
  await change();
  const wallMs = systemClock.nowMs() - startMs;
  await sleep(BETWEEN_MS);
  return { wallMs, cpuMs: (usageOfTree(pid).cpuSeconds - cpu) * 1_000 };
}

/** In MiB: the main process first, then its workers. */
async function memoryOf({ pid }: Node): Promise<number[]> {
  await sleep(SETTLED_MS);
  return processesOf(pid).map((one) => Math.round(privateBytesOf(one) / 1_048_576));
}

function told(changes: readonly Change[]): object {
  const of = (name: keyof Change): number[] => changes.map((one) => Math.round(one[name])).toSorted((a, b) => a - b);
  const [wall, cpu] = [of("wallMs"), of("cpuMs")];
  const middle = (values: readonly number[]): object => ({
    median: values[Math.floor(values.length / 2)],
    from: values[0],
    to: values.at(-1),
  });
  return { wall_ms: middle(wall), cpu_ms: middle(cpu) };
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => systemClock.after(ms, resolve));
}
