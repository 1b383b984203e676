import { mkdirSync, writeFileSync } from "node:fs";
import { configReference } from "../../src/config/reference.ts";

// Writes the reference anew after a change of the schema; reference.test.ts tells when it is needed.
const folder = new URL("../../docs/reference/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("config.md", folder), configReference());
