#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read: so that they say what is missing instead of a syntax error.
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const NEEDED = [24, 11];
const version = process.versions.node.split(".").map(Number);

if (version[0] < NEEDED[0] || (version[0] === NEEDED[0] && version[1] < NEEDED[1])) {
  console.error("signalbox needs Node.js " + NEEDED.join(".") + " or newer; this is " + process.versions.node + ".");
  console.error("Install it from https://nodejs.org/en/download, or with a version manager: nvm install 24");
  console.error(
    "In a checkout `npm ci` brings the right version along: npm run -s signalbox -- " + process.argv.slice(2).join(" "),
  );
  process.exit(1);
}

// Halves the time to start: what was compiled once is kept in the system's folder for temporary files.
module.enableCompileCache();

const source = new URL("../src/cli/main.ts", import.meta.url);
const built = new URL("../dist/cli/main.js", import.meta.url);
const entry = existsSync(fileURLToPath(source)) ? source : built;
import(entry.href).then((cli) => cli.runProcess());
