import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CONNECTION_FAULTS, DEFAULT_LIMITS } from "../../../src/http2/own/contract.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const page = readFileSync(`${ROOT}docs/http2.md`, "utf8");

/** The rows of docs/http2.md that name tests: section, rule, tests. */
const rows = page
  .slice(page.indexOf("## Rules and their tests"))
  .split("\n")
  .filter((line) => /^\| (?:\d|Appendix)/u.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()));

/** Titles of tests as they stand in the source: whole ones, and patterns with gaps. */
interface Source {
  readonly literals: ReadonlySet<string>;
  readonly patterns: readonly RegExp[];
}

const PLACES = ["test/http2/core/*.test.ts", "test/transport/*.ts", "src/http2/**/*.test.ts"];
const files = globSync(PLACES, { cwd: ROOT }).filter((file) => !file.includes("named-tests"));
const sources: readonly Source[] = files.map((file) => {
  const text = readFileSync(ROOT + file, "utf8");
  const literals = new Set([...text.matchAll(/"(?<text>(?:[^"\\\n]|\\.)*)"|\b(?<number>\d[\d_]*)\b/gu)].map(literalOf));
  const templates = [...text.matchAll(/(?:name: |test\()`(?<text>[^`]+)`/gu)].map(
    (match) => match.groups?.["text"] ?? "",
  );
  return { literals, patterns: templates.map(patternOf) };
});

function literalOf(match: RegExpExecArray): string {
  const { text, number } = match.groups ?? {};
  return text ?? (number ?? "").replaceAll("_", "");
}

/** A template as a pattern: each gap is something that the same file has to say as a literal. */
function patternOf(template: string): RegExp {
  const fixed = template.split(/\$\{[^}]*\}/u).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&"));
  return new RegExp(`^${fixed.join("(.+)")}$`, "u");
}

function exists(name: string): boolean {
  return sources.some(
    ({ literals, patterns }) =>
      (name !== "" && literals.has(name)) ||
      patterns.some(
        (pattern) =>
          pattern
            .exec(name)
            ?.slice(1)
            .every((gap) => literals.has(gap)) === true,
      ),
  );
}

test("docs/http2.md: every test that it names is there", () => {
  assert.ok(rows.length > 80);
  const names = rows.flatMap((row) => (row[3] ?? "").split("<br>"));
  assert.deepEqual(
    names.filter((name) => !exists(name)),
    [],
  );
});

test("docs/http2.md: a name that no test has would be found out", () => {
  assert.deepEqual(["no such test", "nothing on stream 0 is an error of the connection", ""].map(exists), [
    false,
    false,
    false,
  ]);
});

test("docs/http2.md: every fault and every limit is on the page, limits with their numbers", () => {
  for (const fault of CONNECTION_FAULTS) assert.ok(page.includes(`\`${fault}\``), fault);
  const shown = (value: number): string =>
    value >= 1_048_576
      ? `${value / 1_048_576} MiB`
      : value >= 4_096
        ? `${value / 1_024} KiB`
        : value.toLocaleString("en");
  for (const [limit, value] of Object.entries(DEFAULT_LIMITS)) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${limit}\` |`));
    assert.ok(row?.split("|")[2]?.trim().startsWith(shown(value)), `${limit}: ${shown(value)}`);
  }
});
