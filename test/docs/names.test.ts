import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import test from "node:test";

const DECLARATION = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|class|type) (?<name>\w+)/gmu;

test("no two types in src/ share a name, exported or not", () => {
  const files = new Map<string, string[]>();
  for (const file of globSync("src/**/*.ts")) {
    if (file.endsWith(".test.ts")) continue;
    for (const { groups } of readFileSync(file, "utf8").matchAll(DECLARATION)) {
      const name = groups!["name"]!;
      files.set(name, [...(files.get(name) ?? []), file]);
    }
  }
  assert.ok(files.size > 500, `${files.size} types were found`);
  const shared = [...files].filter(([, its]) => its.length > 1);
  assert.deepEqual(shared, []);
});

/** What the field calls otherwise: docs/glossary.md has its words. */
const GONE =
  /^(?:ways?|corridor|desk|parting|cutter|handOn|company|desperate|weighty|falls|doubted|deaf|look|foresee|(?:[A-Z_]+_)?(?:NOBODY|NOWHERE|LAST_WORDS|FAREWELL)(?:_[A-Z_]+)?)$|^(?:Way|Ways|Carry|Cut|Past|Kept|Keeper|Alarm)(?![a-z])|(?:[vV]ouch|[jJ]udge|[rR]ehears|OperatorWish|[gG]iveWay|Keeper\b)/u;

test("names in src/ are those of the field: what was renamed does not come back", () => {
  const found = new Set<string>();
  for (const file of globSync("src/**/*.ts")) {
    if (file.endsWith(".test.ts")) continue;
    const code = readFileSync(file, "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"|`[^`]*`/gu, "");
    for (const [name] of code.matchAll(/[A-Za-z_]\w*/gu)) if (GONE.test(name)) found.add(`${name} in ${file}`);
  }
  assert.deepEqual([...found], []);
});
