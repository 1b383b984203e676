import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runCli } from "../cli/run-cli.ts";

const BIN = fileURLToPath(new URL("../../bin/signalbox.js", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "signalbox-cli-"));
after(() => rmSync(FOLDER, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** In a process of its own, as people start it. */
async function signalbox(args: readonly string[], input = "", env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: FOLDER, env: { PATH: "", ...env } });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => void child.on("close", resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
}

function file(name: string, content: string): string {
  writeFileSync(join(FOLDER, name), content);
  return name;
}

const GOOD = file("good.yaml", "targets: [{ id: a, endpoint: http://127.0.0.1:14317 }]\n");
const BAD = file(
  "bad.yaml",
  "targets:\n  - { id: a, endpoint: http://127.0.0.1:1, wieght: 2 }\n  - { id: a, endpoint: x }\n",
);
const WARNS = file("warns.yaml", "targets: []\n");

interface Case {
  readonly args: readonly string[];
  readonly input?: string;
  readonly code: number;
  readonly out?: RegExp;
  readonly err?: RegExp;
}

/** One for each exit code, for a long output, and for what is read of a pipe. */
const inProcesses: readonly Case[] = [
  { args: [], code: 0, out: /^signalbox \d.*\n\nUsage:.*\n {2}run +Run a node.*\n {2}validate /su },
  { args: ["version"], code: 0, out: /^signalbox \d+\.\d+\.\d+ \(Node\.js \d+/u },
  { args: ["schema"], code: 0, out: /^\{\n {2}"\$schema"/u },
  { args: ["vaildate"], code: 2, err: /unknown command vaildate\n {2}did you mean "validate"\?/u },
  {
    args: ["validate", GOOD, BAD],
    code: 3,
    out: /^bad\.yaml:2:\d+: error: targets\[0\]\.wieght: .*weight.*\n.*\n(.*\n)*2 files: \d errors, 0 warnings\n$/u,
  },
  { args: ["validate", "-"], input: "targets: [", code: 3, out: /^<stdin>:1:\d+: error: / },
  { args: ["run", "nowhere.yaml"], code: 5, err: /cannot read .*nowhere\.yaml/u },
  { args: ["run", BAD], code: 3, err: /bad\.yaml:2:\d+: error: targets\[0\]\.wieght.*nothing was started/su },
];
const inThisOne: readonly Case[] = [
  { args: ["help"], code: 0, out: /Commands:/u },
  { args: ["--help"], code: 0, out: /Commands:/u },
  { args: ["help", "run"], code: 0, out: /signalbox run \[file\].*-c, --config <file>/su },
  { args: ["validate", "--help"], code: 0, out: /--strict/u },
  { args: ["--version"], code: 0, out: /^signalbox / },
  { args: ["version", "-o", "json"], code: 0, out: /^\{\n {2}"signalbox": "\d/u },
  { args: ["version", "-o", "yaml"], code: 0, out: /^signalbox: \d/u },
  { args: ["version", "-o", "xml"], code: 2, err: /--output takes table, json, yaml; got "xml"/u },
  { args: ["help", "rnu"], code: 2, err: /did you mean "run"\?/u },
  { args: ["validate", "--stric", GOOD], code: 2, err: /unknown option --stric\n {2}did you mean "--strict"\?/u },
  { args: ["validate", "--strict=yes", GOOD], code: 2, err: /--strict takes no value/u },
  { args: ["run", "--config"], code: 2, err: /--config needs a value/u },
  { args: ["run", "--config", "--help"], code: 2, err: /--config needs a value/u },
  { args: ["validate"], code: 2, err: /needs a file/u },
  { args: ["validate", GOOD], code: 0, out: /^1 file: 0 errors, 0 warnings\n$/u },
  { args: ["validate", "-"], input: "targets: [{ id: a, endpoint: http://127.0.0.1:1 }]", code: 0, out: /0 errors/u },
  { args: ["validate", WARNS], code: 0, out: /warning: .*\n1 file: 0 errors, 1 warning\n$/u },
  { args: ["validate", "--strict", WARNS], code: 3, out: /warning: / },
  { args: ["validate", "nowhere.yaml"], code: 5, out: /nowhere\.yaml: error: cannot be read: ENOENT/u },
  {
    args: ["validate", "-o", "json", BAD],
    code: 3,
    out: /^\{\n {2}"valid": false,\n {2}"files": 1,\n {2}"errors": \d/u,
  },
  { args: ["run"], code: 2, err: /no config: .*targets:\n.*endpoint: .*signalbox demo/su },
];

/** `signalbox` with these arguments, and what is piped into it. */
function titleOf({ args, input, code }: Case): string {
  const piped = input === undefined ? "" : ` < ${JSON.stringify(input)}`;
  return `signalbox ${args.join(" ")}${piped}: exits with ${code}`;
}

function assertEnded({ code, out, err }: Case, ended: Ended): void {
  assert.equal(ended.code, code, ended.err);
  assert.match(ended.out, out ?? /^$/u, "results go to stdout, and only they");
  assert.match(ended.err, err ?? /^$/u, "all else goes to stderr");
}

for (const one of inProcesses) {
  test(titleOf(one), async () => assertEnded(one, await signalbox(one.args, one.input)));
}
for (const one of inThisOne) {
  test(titleOf(one), async () => assertEnded(one, await runCli(one.args, { stdin: one.input ?? "", cwd: FOLDER })));
}

test("$SIGNALBOX_CONFIG names the config when nothing else does", async () => {
  const { code, err } = await signalbox(["run"], "", { SIGNALBOX_CONFIG: BAD });
  assert.equal(code, 3);
  assert.match(err, /bad\.yaml/u);
});

test("a reader that goes away early is no failure", async () => {
  const child = spawn(process.execPath, [BIN, "schema"], { cwd: FOLDER, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const ended = new Promise<number | null>((resolve) => void child.on("close", resolve));
  assert.equal(await text(child.stderr), "");
  assert.equal(await ended, 0);
});
