import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renewalSuite } from "../renewal/renewal.ts";

renewalSuite("embedded", {
  ttlMs: 6_000,
  open: () => {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-renewal-"));
    return Promise.resolve({
      settings: { kind: "embedded", file: join(folder, "store.sqlite") },
      [Symbol.asyncDispose]: () => Promise.resolve(rmSync(folder, { recursive: true })),
    });
  },
});
