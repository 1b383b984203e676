import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HealthWorld } from "./health-world.ts";
import { scenarioFiles } from "./scenario-file.ts";

const FOLDER = join(import.meta.dirname, "health");

scenarioFiles(FOLDER, () => {
  const world = new HealthWorld();
  return (command) => world.run(command);
});

test("every transition of the table in docs/health.md is in a scenario", () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".txt"));
  const text = files.map((file) => readFileSync(join(FOLDER, file), "utf8")).join("\n");
  const told = new Set(text.match(/\w+ -> \w+ \(\w+\)/gu));
  const page = readFileSync(join(import.meta.dirname, "../../docs/health.md"), "utf8");
  const [, table = ""] = /\n## Transitions\n.*?\n(\|.*?)\n\n/su.exec(page) ?? [];
  const [head = [], , ...rows] = table.split("\n").map((line) =>
    line
      .split("|")
      .slice(2, -1)
      .map((cell) => cell.trim()),
  );
  const wanted = rows.flatMap((row) => row.flatMap((cell, i) => transition(head[i] ?? "", cell)));
  assert.ok(wanted.length > 30);
  assert.deepEqual(
    [...new Set(wanted)].filter((each) => !told.has(each)),
    [],
  );
});

/**
 * `ready -> ejected (unavailable)`; nothing for a cell in which the state stays. How a call failed
 * is one for all.
 */
function transition(from: string, cell: string): string[] {
  const [to, reason = ""] = cell.split(" ");
  return cell === "." ? [] : [`${from} -> ${to} (${reason === "reset" ? "unavailable" : reason})`];
}
