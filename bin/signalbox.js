#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read: so that they say what is missing instead of a syntax error.
import { existsSync } from "node:fs";
import module from "node:module";
import os from "node:os";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";

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

// How V8 collects (Node 24.21, two cores of an AMD EPYC). Later than here it has decided already.
if (process.argv[2] === "run") {
  // A router's objects die young, and its buffers with them. A nursery that stays at 1 MiB stays in the processor's cache, and
  // is emptied, buffers included, before they pile up: 100-span requests 40,000 a CPU-second, with 8 MiB 20,000.
  v8.setFlagsFromString("--semi-space-growth-factor=1");
  // What lives longer may triple before all of the heap (28 MB) is collected, which holds up everything for 5 to 15 ms; otherwise
  // it is at times after each 9 MB. 1,000-span requests 2.7 to 4.3 instead of 2.6 to 3.1 M spans per CPU-second, and p99 of a
  // client beside attackers 0.7 to 1.3 instead of 0.7 to 4.2 ms. No more memory at the peak. Four times: pauses of up to 35 ms.
  v8.setFlagsFromString("--heap-growing-percent=200");
  // What is read of a config stays, and V8 would conclude that what the same code makes for requests stays, too: worker-flags.ts.
  v8.setFlagsFromString("--no-allocation-site-pretenuring");
  // Three threads mark what is alive beside the one that does the work. Where there are not as many cores they take its own from
  // it, in slices of 4 ms: p99 at half load, two cores for router, load and sinks, 6 to 41 ms, with one such thread 8 to 20 ms.
  if (os.availableParallelism() <= 2) v8.setFlagsFromString("--concurrent-marking-max-worker-num=1");
  // A request goes through some hundred short functions, and V8 puts no more than 920 bytes of them into one that it compiles. With
  // four times that a request of 10 spans costs 5 to 10 % less CPU, and no more than before until all is compiled: figures are in
  // docs/decisions/0037-cost-of-a-request.md.
  v8.setFlagsFromString("--max-inlined-bytecode-size-cumulative=4000");
  v8.setFlagsFromString("--max-inlined-bytecode-size=1000");
}

// Halves the time to start: what was compiled once is kept in the system's folder for temporary files.
module.enableCompileCache();

const source = new URL("../src/cli/main.ts", import.meta.url);
const built = new URL("../dist/cli/main.js", import.meta.url);
// A checkout runs its sources; SIGNALBOX_BUILT=1 runs what was built of them, as the published package does.
const entry = existsSync(fileURLToPath(source)) && process.env.SIGNALBOX_BUILT !== "1" ? source : built;
import(entry.href).then((cli) => cli.runProcess());
