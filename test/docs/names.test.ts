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
