import { rmSync } from "node:fs";
import { join } from "node:path";
import { makeQuickFolder } from "../../support/quick-folder.ts";
import { renewalSuite } from "../renewal/renewal.ts";

renewalSuite("embedded", {
  ttlMs: 6_000,
  open: () => {
    const folder = makeQuickFolder("signalbox-renewal-");
    return Promise.resolve({
      settings: { kind: "embedded", file: join(folder, "store.sqlite") },
      [Symbol.asyncDispose]: () => Promise.resolve(rmSync(folder, { recursive: true })),
    });
  },
});
