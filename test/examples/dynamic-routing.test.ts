import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../examples/dynamic-routing.ts", import.meta.url));
const IDS = ["backend-1", "backend-2", "backend-3"];

test("dynamic-routing.ts: shows every part of routing on real targets, and ends by itself", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM], { encoding: "utf8", timeout: 60_000 });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  const parts = partsOf(stdout);

  const checked = IDS.map((id) => `${id} (http://127.0.0.1:<port>): ready, check passed`);
  assert.deepEqual(parts.get("Health checks"), checked);
  const picks = parts.get("Weighted round robin") ?? [];
  const shares = IDS.map((id) => picks.filter((line) => line.includes(`-> ${id} `)).length);
  assert.deepEqual(shares, [5, 3, 2]);
  assert.equal(picks[0], "request 1 -> backend-1 (weight 50)");

  const latency = parts.get("Latency") ?? [];
  const measured = IDS.map((id) =>
    Number(/: (?<ms>\d+) ms/u.exec(latency.find((line) => line.startsWith(id)) ?? "")?.[1]),
  );
  const lowest = /^lowest latency: (?<id>.*)$/u.exec(latency.at(-1) ?? "")?.[1] ?? "";
  assert.equal(measured[IDS.indexOf(lowest)], Math.min(...measured));

  assert.deepEqual(parts.get("Geography"), [
    "targets in us-east-1: 1",
    "an item of us-east-1 -> backend-1",
    "an item of eu-west-1 -> backend-3",
    "an item of ap-south-1 -> backend-2",
  ]);
  assert.deepEqual(parts.get("Content"), [
    "my-shop matches 1 target(s): backend-1",
    "other matches 3 target(s): backend-1, backend-2, backend-3",
  ]);

  const span = parts.get("A span through the router") ?? [];
  assert.equal(span[0], "rule rule-1, pool rule:rule-1, 3 targets:");
  const [, picked, reached] = /^picked (\S+), delivered to (.+)$/u.exec(span.at(-1) ?? "") ?? [];
  assert.ok(IDS.includes(picked ?? ""), span.at(-1));
  assert.equal(reached, picked);

  const metrics = parts.get("Metrics") ?? [];
  assert.equal(metrics[0], "routed: 10, delivered: 10, failed: 0");
  const sent = metrics.map((line) => Number(/^signalbox_export_sends_total\{.*\} (\d+)$/u.exec(line)?.[1] ?? 0));
  assert.equal(
    sent.reduce((sum, one) => sum + one, 0),
    10 + 9, // those of the router, and three to each target for its latency
  );
});

/** The indented lines below each heading; ports are others each time. */
function partsOf(text: string): Map<string, string[]> {
  assert.match(text, /^=== Dynamic routing ===\n/u);
  const parts = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split("\n")) {
    const heading = /^(?<name>\S.*):$/u.exec(line)?.groups?.["name"];
    if (heading !== undefined) parts.set(heading, (lines = []));
    else if (line.startsWith("  ")) lines.push(line.trim().replace(/(?<=127\.0\.0\.1:)\d+/u, "<port>"));
  }
  return parts;
}
