import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readPage, ROOT } from "../../docs/pages.ts";
import { printsOf, type RanProgram, runPrograms } from "../../docs/programs.ts";
import type { StoreSettings } from "../../../src/store/store.ts";
import type { RecipeContract, RecipeServer } from "./recipe-contract.ts";
import { makeQuickFolder } from "../../support/quick-folder.ts";

const PAGE = "docs/coordination.md";
const EMBEDDED = '{ kind: "embedded", file: ":memory:" }';

/** The programs of the page print the same on this store: test/docs runs them on the embedded. */
export function programTests(name: string, { open, skip }: RecipeContract): void {
  const page = readPage(PAGE, readFileSync(join(ROOT, PAGE), "utf8"));
  const programs = page.fences.filter(({ info }) => info === "ts");
  describe(`programs: ${name}`, { concurrency: 1, ...(skip !== undefined && { skip }) }, () => {
    let server: RecipeServer | undefined;
    let ran: readonly RanProgram[] = [];
    const folder = makeQuickFolder("signalbox-programs-");
    before(async () => {
      server = await open();
      const { settings } = server;
      ran = await runPrograms(programs.map(({ text }, i) => writeProgram(folder, text, i, settings)));
    });
    after(async () => {
      await server?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    });
    for (const [i, { text, line }] of programs.entries()) {
      test(`the program at ${PAGE}:${line} prints what its comments say`, async () => {
        const { out, err } = ran[i]!;
        assert.deepEqual(err, []);
        assert.deepEqual(out.join("\n").split("\n"), printsOf(text));
      });
    }
  });
}

/** The program on another store, below a key of its own. */
function writeProgram(folder: string, text: string, i: number, settings: StoreSettings): string {
  assert.ok(text.includes(EMBEDDED));
  const program = text
    .replace(EMBEDDED, JSON.stringify(settings))
    .replace('"/shop"', `"/shop-${i}"`)
    .replaceAll('"/shop/', `"/shop-${i}/`)
    .replace('from "signalbox"', `from ${JSON.stringify(join(ROOT, "src/index.ts"))}`);
  const file = join(folder, `program-${i}.mts`);
  writeFileSync(file, program);
  return file;
}
