import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { test } from "node:test";
import { anchorsOf, codeSpans, type Page, readPage, readPages, ROOT } from "./pages.ts";

const pages = readPages();

test("pages: fences, prose and anchors are told apart", () => {
  const page = readPage("x.md", "# A `b`: c\n```yaml part\nk: `v`\n```\n## A b c\n`one` and `two`\n");
  assert.deepEqual(page.fences, [{ info: "yaml part", text: "k: `v`\n", line: 3 }]);
  assert.deepEqual([...anchorsOf(page)], ["a-b-c", "a-b-c-1"]);
  assert.deepEqual(
    codeSpans(page).map(({ text }) => text),
    ["b", "one", "two"],
  );
});

/** Places that Markdown links to, as [text](place). */
function linksOf(page: Page): { readonly to: string; readonly line: number }[] {
  return page.prose.flatMap((line, i) =>
    [...line.replaceAll(/`[^`]*`/gu, "").matchAll(/\]\((?<to>[^)\s]+)\)/gu)].map((match) => ({
      to: match.groups?.["to"] ?? "",
      line: i + 1,
    })),
  );
}

function faultOf(page: Page, to: string): string | undefined {
  if (/^[a-z]+:/u.test(to)) return undefined; // elsewhere
  const [file = "", anchor] = to.split("#");
  const path = file === "" ? page.path : normalize(join(page.path, "..", file));
  if (!existsSync(join(ROOT, path))) return `there is no ${path}`;
  if (anchor === undefined) return undefined;
  if (statSync(join(ROOT, path)).isDirectory()) return `${path} is a folder, and has no headings`;
  const anchors = anchorsOf(readPage(path, readFileSync(join(ROOT, path), "utf8")));
  return anchors.has(anchor) ? undefined : `${path} has no heading #${anchor}`;
}

for (const page of pages) {
  test(`${page.path}: every link leads somewhere`, () => {
    const faults = linksOf(page).flatMap(({ to, line }) => {
      const fault = faultOf(page, to);
      return fault === undefined ? [] : [`${page.path}:${line}: ${to}: ${fault}`];
    });
    assert.deepEqual(faults, []);
  });

  test(`${page.path}: every path in the repository that it names is there`, () => {
    const missing = codeSpans(page).filter(({ text }) => {
      if (!/^(?:src|test|docs|bench|examples|bin|\.ci)\/[\w./*-]*$/u.test(text)) return false;
      return text.includes("*") ? globSync(text, { cwd: ROOT }).length === 0 : !existsSync(join(ROOT, text));
    });
    assert.deepEqual(missing, []);
  });
}

test("every page under docs/ can be reached from the README", () => {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const page = pages.find((one) => one.path === path);
    if (page === undefined || reached.has(path)) return;
    reached.add(path);
    for (const { to } of linksOf(page)) visit(normalize(join(path, "..", to.split("#")[0] ?? "")));
  };
  visit("README.md");
  const lonely = pages.map(({ path }) => path).filter((path) => !reached.has(path));
  assert.deepEqual(lonely, []);
});

/** Without the lines that name pages of somebody else. */
function ours(text: string): string {
  return text.replaceAll(/^.*opentelemetry-proto.*$/gmu, "");
}

test("every page of docs/ that the source names is there", () => {
  const named = globSync(["src/**/*.ts", "bench/**/*.ts", "test/**/*.ts", ".oxlintrc.json"], { cwd: ROOT }).flatMap(
    (file) =>
      [...ours(readFileSync(join(ROOT, file), "utf8")).matchAll(/docs\/[\w/-]+\.md/gu)].map(
        ([path]) => `${file}: ${path}`,
      ),
  );
  assert.ok(named.length > 0);
  assert.deepEqual(
    named.filter((entry) => !existsSync(join(ROOT, entry.slice(entry.indexOf(": ") + 2)))),
    [],
  );
});
