import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recipeContract } from "../recipes/recipe-contract.ts";

recipeContract("embedded", {
  ttlMs: 3_000,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-recipes-"));
    return {
      settings: { kind: "embedded", file: join(folder, "store.sqlite") },
      async [Symbol.asyncDispose]() {
        rmSync(folder, { recursive: true });
      },
    };
  },
});
