import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { runCli, type Ran } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-coordination-"));
after(() => rmSync(folder, { recursive: true }));
let nodes = 0;

/** Where the files of these tests are; it goes when they have ended. */
export function testFolder(): string {
  return folder;
}

/** A node of a test: its folder, config and store. */
export interface NodeFolder {
  readonly dataDir: string;
  /** Options that name its store, in the place of its config. */
  readonly named: readonly string[];
  /** Runs a command with the config of the node. */
  run(command: string): Promise<Ran>;
  /** The node's store, as a program that uses the library opens it. */
  open(): Promise<AsyncDisposable & { readonly place: RecipePlace }>;
}

/** Makes one, with the embedded store; it goes when the tests of the file have ended. */
export function nodeFolder(): NodeFolder {
  const cwd = join(folder, `node-${++nodes}`);
  mkdirSync(cwd);
  writeFileSync(
    join(cwd, "node.yaml"),
    "node: { data_dir: data }\ntargets: [{ id: a, endpoint: http://127.0.0.1:1 }]\n",
  );
  const dataDir = join(cwd, "data");
  return {
    dataDir,
    named: ["--store", "embedded", "--data-dir", dataDir],
    run: (command) => runCli([...command.split(" "), "-c", "node.yaml"], { cwd, columns: 120 }),
    async open() {
      const [clock, random] = [systemClock, seededRandom(1)];
      const file = join(dataDir, "store.sqlite");
      const store = await openStore({ kind: "embedded", file }, { clock, random, observer: UNOBSERVED });
      const place = { store, prefix: "/signalbox", clock, random };
      return { place, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
    },
  };
}
