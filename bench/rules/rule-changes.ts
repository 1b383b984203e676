import { readFileSync, writeFileSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import { pause } from "../pause.ts";
import { usageOfTree } from "../process-usage.ts";
import type { RuleNode } from "./rule-node.ts";

/** Until what the change before left behind was collected, which begins a second after it. */
const BETWEEN_MS = 2_000;
/** What a change costs after it runs. */
const AFTER_MS = 500;
const LOOK_MS = 5;
/** An edit of the file is waited for so long, and each look at the node costs it a millisecond. */
const AT_LEAST_MS = 30;

/** One change, until it runs, and what all processes spent until half a second after that. */
export interface RuleChange {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** By the API but for the last; of a node with 10,000 rules. */
export const CHANGES = ["first rule", "middle rule", "last rule", "added", "removed", "edit of the file"] as const;
export type ChangeName = (typeof CHANGES)[number];

/** `round`: another one for each change of a kind in one node. */
export async function changeRule(node: RuleNode, name: ChangeName, round: number): Promise<RuleChange> {
  await pause(BETWEEN_MS);
  const cpu = usageOfTree(node.pid).cpuSeconds;
  const startMs = systemClock.nowMs();
  await make(node, name, round);
  const wallMs = systemClock.nowMs() - startMs;
  await pause(AFTER_MS);
  return { wallMs, cpuMs: (usageOfTree(node.pid).cpuSeconds - cpu) * 1_000 };
}

function make(node: RuleNode, name: ChangeName, round: number): Promise<void> {
  const rule = { conditions: [{ service_name: `changed-${round}` }], pool: "a" };
  switch (name) {
    case "first rule":
      return ask(node, "PUT", "/rules/rule-0", rule);
    case "middle rule":
      return ask(node, "PUT", `/rules/rule-${5_000 + round}`, rule);
    case "last rule":
      return ask(node, "PUT", "/rules/rule-9999", rule);
    case "added":
      return ask(node, "POST", "/rules", { id: `added-${round}`, ...rule });
    case "removed":
      return ask(node, "DELETE", `/rules/rule-${100 + round}`, undefined);
    case "edit of the file":
      return edit(node, round);
    default:
      throw new Error("a change that the benchmark does not know");
  }
}

async function ask({ admin }: RuleNode, method: string, path: string, rule: object | undefined): Promise<void> {
  const headers = { "content-type": "application/json", "if-match": "*" };
  const body = rule === undefined ? {} : { body: JSON.stringify(rule) };
  const reply = await fetch(`${admin}${path}`, { method, headers, ...body });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status}: ${text}`);
}

async function edit({ file, admin }: RuleNode, round: number): Promise<void> {
  const before = await versionOf(admin);
  const text = readFileSync(file, "utf8");
  const edited = text.replace(`service_name: service-${700 + round}\n`, `service_name: edited-${round}\n`);
  if (edited === text) throw new Error(`no rule is left to edit in round ${round}`);
  writeFileSync(file, edited);
  await pause(AT_LEAST_MS);
  while ((await versionOf(admin)) === before) await pause(LOOK_MS);
}

async function versionOf(admin: string): Promise<number> {
  const { config } = (await (await fetch(`${admin}/node`)).json()) as { config: { version: number } };
  return config.version;
}
