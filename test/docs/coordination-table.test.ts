import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { AdminContext } from "../../src/admin/context.ts";
import { matchRoute } from "../../src/admin/route.ts";
import { createRoutes } from "../../src/admin/routes.ts";
import { parseCommandLine } from "../../src/cli/args.ts";
import { isGroup } from "../../src/cli/command.ts";
import { findCommand } from "../../src/cli/commands.ts";
import { METRICS } from "../../src/telemetry/metric-table.ts";
import { readPage, ROOT } from "./pages.ts";

const PATH = "docs/coordination-table.md";

/** What there has to be a part of the table for. */
const PARTS = [
  "Architecture",
  "Topology",
  "Load",
  "Local routing",
  "Coordination service",
  "Configs that change while data flows",
  "Discovery and registration",
  "Locks",
  "Elections",
  "Programs, configs, batches",
  "Metrics",
];

interface Row {
  readonly part: string;
  readonly item: string;
  readonly by: string;
  readonly shownBy: string;
}

function readRows(): Row[] {
  const rows: Row[] = [];
  let part = "";
  for (const line of readPage(PATH, readFileSync(join(ROOT, PATH), "utf8")).prose) {
    part = /^## (?<title>.+)$/u.exec(line)?.groups?.["title"] ?? part;
    if (!line.startsWith("| ") || line.startsWith("| item |") || line.startsWith("| --- |")) continue;
    const cells = line.split(" | ").map((cell) => cell.replaceAll(/^\| | \|$/gu, ""));
    assert.equal(cells.length, 3, line);
    const [item = "", by = "", shownBy = ""] = cells;
    rows.push({ part, item, by, shownBy });
  }
  return rows;
}

const rows = readRows();

function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`(?<code>[^`]+)`/gu)].map(({ groups }) => groups?.["code"] ?? "");
}

const barrel = readFileSync(join(ROOT, "src/index.ts"), "utf8");
const sources = globSync("src/**/*.ts", { cwd: ROOT })
  .filter((path) => !path.endsWith(".test.ts"))
  .map((path) => readFileSync(join(ROOT, path), "utf8"));
/** A context whose routes can be looked at, but not called. */
const context = { facts: {}, dataPlane: {}, walk: {}, env: {}, runtime: {}, seats: {} };
const routes = createRoutes(context as unknown as AdminContext);
const metrics = new Set(Object.values(METRICS).map(({ name }) => name));

/** Undefined: it is there, or is told by other tests of pages. */
function faultOf(code: string): string | undefined {
  const call = /^(?<method>GET|POST|PUT|DELETE) (?<path>\/[^?]*)/u.exec(code)?.groups;
  if (call !== undefined) {
    const { kind } = matchRoute(routes, call["method"] ?? "", call["path"] ?? "");
    return kind === "route" ? undefined : "there is no such call";
  }
  if (code.startsWith("signalbox ")) return commandFault(code.split(" ").slice(1));
  if (/^(?:otlp|signalbox)_/u.test(code)) return metrics.has(code) ? undefined : "there is no such metric";
  return exportFault(code);
}

function commandFault(words: readonly string[]): string | undefined {
  try {
    const { command, rest } = findCommand(words);
    if (isGroup(command)) return "it is a group of commands";
    parseCommandLine(command, rest);
    return undefined;
  } catch (cause) {
    return String(cause);
  }
}

/** Settings of functions: the text names their type beside them. */
const OPTIONS: ReadonlySet<string> = new Set(["leaseDurationMs"]);

/** `createLock`, or a member of a type: `Lock.acquire`. */
function exportFault(code: string): string | undefined {
  const [, name, member] = /^(?<name>[A-Z]\w+|[a-z]+[A-Z]\w*)(?:\.(?<member>\w+))?(?:\.\w+)*$/u.exec(code) ?? [];
  if (name === undefined || OPTIONS.has(name)) return undefined;
  if (!new RegExp(`\\b${name}\\b`, "u").test(barrel)) return "the library does not export it";
  if (member === undefined) return undefined;
  const declared = new RegExp(`^export (?:interface|class|type) ${name}\\b[^]*?^\\}`, "mu");
  const own = sources.map((text) => declared.exec(text)?.[0]).find((text) => text !== undefined) ?? "";
  return new RegExp(`\\b${member}\\b`, "u").test(own) ? undefined : `${name} has no ${member}`;
}

test("coordination table: each part is there, and each of its items has something that does it", () => {
  assert.deepEqual([...new Set(rows.map(({ part }) => part))], PARTS);
  assert.ok(rows.length > 70, String(rows.length));
  const empty = rows.filter(({ by }) => by === "");
  assert.deepEqual(empty, []);
});

test("coordination table: each command, call, metric and export in it is there", () => {
  const faults = rows.flatMap(({ item, by }) =>
    codeIn(`${item} ${by}`).flatMap((code) => {
      const fault = faultOf(code);
      return fault === undefined ? [] : [`${item}: ${code}: ${fault}`];
    }),
  );
  assert.deepEqual(faults, []);
});

test("coordination table: each test that it names is there, by its file and what it is called", () => {
  const faults = rows.flatMap(({ item, shownBy }, i) => {
    if (shownBy === "the same") return i > 0 ? [] : [`${item}: as what?`];
    const found = /^`(?<file>[^`]+\.test\.ts)`(?: "(?<title>[^"]+)")?$/u.exec(shownBy)?.groups;
    if (found === undefined) return [`${item}: names no test: ${shownBy}`];
    const path = join(ROOT, found["file"] ?? "");
    if (!existsSync(path)) return [`${item}: there is no ${found["file"]}`];
    const isCalledSo = readFileSync(path, "utf8").includes(found["title"] ?? "");
    return isCalledSo ? [] : [`${item}: ${found["file"]} has no test "${found["title"]}"`];
  });
  assert.deepEqual(faults, []);
});
