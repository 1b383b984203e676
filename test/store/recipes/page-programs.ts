import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { readPage, ROOT } from "../../docs/pages.ts";
import { printsOf } from "../../docs/programs.ts";
import type { RecipeContract, RecipeServer } from "./recipe-contract.ts";
import { makeQuickFolder } from "../../support/quick-folder.ts";

const PAGE = "docs/coordination.md";
const EMBEDDED = '{ kind: "embedded", file: ":memory:" }';
const run = promisify(execFile);

/** The programs of the page print the same on this store: test/docs runs them on the embedded. */
export function programTests(name: string, { open, skip }: RecipeContract): void {
  const page = readPage(PAGE, readFileSync(join(ROOT, PAGE), "utf8"));
  const programs = page.fences.filter(({ info }) => info === "ts");
  describe(`programs: ${name}`, { concurrency: 1, ...(skip !== undefined && { skip }) }, () => {
    let server: RecipeServer | undefined;
    const folder = makeQuickFolder("signalbox-programs-");
    before(async () => {
      server = await open();
    });
    after(async () => {
      await server?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    });
    for (const [i, { text, line }] of programs.entries()) {
      test(`the program at ${PAGE}:${line} prints what its comments say`, async () => {
        assert.ok(text.includes(EMBEDDED));
        const settings = text.replace(EMBEDDED, JSON.stringify(server!.settings)).replace('"/shop"', `"/shop-${i}"`);
        const keys = settings.replaceAll('"/shop/', `"/shop-${i}/`);
        const file = join(folder, `program-${i}.mts`);
        writeFileSync(file, keys.replace('from "signalbox"', `from ${JSON.stringify(join(ROOT, "src/index.ts"))}`));
        const { stdout, stderr } = await run(process.execPath, [file], { timeout: 120_000 });
        assert.equal(stderr, "");
        assert.deepEqual(stdout.trimEnd().split("\n"), printsOf(text));
      });
    }
  });
}
