import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "./pages.ts";

const run = promisify(execFile);
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

/** The package as it is built, in a folder of its own: a module in it imports it by name, through its `exports`. */
const folder = mkdtempSync(join(tmpdir(), "signalbox-package-"));
after(() => rmSync(folder, { recursive: true }));
copyFileSync(join(ROOT, "package.json"), join(folder, "package.json"));
symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
await run(process.execPath, [TSC, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(folder, "dist")]);

const PROGRAM = `
import { createLog, createPicker, loadConfig, startNode, systemClock, systemRandom, textSource } from "signalbox";
import { ConfigSchema } from "signalbox/config";

const text = \`
node: { listen: { otlp_grpc: false, otlp_http: { address: "127.0.0.1:0" }, admin: { address: "127.0.0.1:0" } } }
targets: [{ id: a, endpoint: http://127.0.0.1:14317 }]
\`;
const source = textSource(text, { name: "own", folder: ".", file: undefined }, {});
const { config } = source.load(text);
if (config === undefined) throw new Error("the config has problems");
const log = createLog({ clock: systemClock, write: () => undefined, level: "info", format: "json", colour: false });
await using node = await startNode(config, { clock: systemClock, random: systemRandom, log, source });
const reply = await fetch(\`http://\${node.addresses.otlpHttp}/v1/traces\`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: "{}",
});
const columns = { weight: [1], share: [1], usable: [1], eligible: [1], excluded: [0], usableSinceMs: [0], candidates: [0] };
const gauge = () => { throw new Error("nothing is measured"); };
const picker = createPicker({ type: "weighted_round_robin" }, 1, { random: systemRandom });
const pick = picker.pick({ nowMs: 0, size: 1, candidateCount: 1, ...columns, gauge });
const told = { status: reply.status, pick, problems: loadConfig("targetz: []", { file: "x", env: {}, readFile: String }).problems.length };
process.stdout.write(JSON.stringify({ ...told, parsed: ConfigSchema.safeParse({}).success }));
`;

test("package: what is built can be imported by name, and runs a node", async () => {
  writeFileSync(join(folder, "program.mjs"), PROGRAM);
  const { stdout } = await run(process.execPath, [join(folder, "program.mjs")]);
  assert.deepEqual(JSON.parse(stdout), { status: 200, pick: 0, problems: 1, parsed: true });
});

test("package: its types are good for strict users", async () => {
  writeFileSync(join(folder, "program.mts"), PROGRAM);
  const options = {
    module: "nodenext",
    target: "esnext",
    lib: ["esnext"],
    types: ["node"],
    strict: true,
    noEmit: true,
  };
  const compilerOptions = { ...options, exactOptionalPropertyTypes: true, skipLibCheck: false };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.mts"] }));
  const { stdout } = await run(process.execPath, [TSC, "-p", folder]).catch((error: { stdout: string }) => error);
  assert.equal(stdout, "");
});

test("package: nothing else of it can be imported", async () => {
  const code = 'await import("signalbox/dist/core/clock.js")';
  const failed = run(process.execPath, ["--input-type=module", "--eval", code], { cwd: folder });
  await assert.rejects(failed, /ERR_PACKAGE_PATH_NOT_EXPORTED/u);
});
