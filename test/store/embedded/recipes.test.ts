import { rmSync } from "node:fs";
import { join } from "node:path";
import { recipeContract } from "../recipes/recipe-contract.ts";
import { makeQuickFolder } from "../../support/quick-folder.ts";

recipeContract("embedded", {
  ttlMs: 3_000,
  async open() {
    const folder = makeQuickFolder("signalbox-recipes-");
    return {
      settings: { kind: "embedded", file: join(folder, "store.sqlite") },
      async [Symbol.asyncDispose]() {
        rmSync(folder, { recursive: true });
      },
    };
  },
});
