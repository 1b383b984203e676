import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { installPrograms } from "./install.ts";
import { findProgram, type ProgramName, programsNeededBy } from "./programs.ts";

/** A machine whose programs are scripts in one folder, which note how they are called. */
class FakeMachine implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "signalbox-set-up-"));
  readonly told: string[] = [];
  readonly #log = join(this.folder, "log");
  readonly isRoot: boolean;
  readonly hasSystemd: boolean;

  constructor({ isRoot = true, hasSystemd = false } = {}) {
    this.isRoot = isRoot;
    this.hasSystemd = hasSystemd;
    mkdirSync(this.path);
    for (const name of ["env", "timeout"]) symlinkSync(findProgram(name)!, join(this.path, name));
    for (const name of ["systemctl", "update-rc.d"]) this.put(name, "");
  }

  get path(): string {
    return join(this.folder, "bin");
  }

  readonly tell = (line: string): void => void this.told.push(line);

  put(name: string, script: string): void {
    const file = join(this.path, name);
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> ${this.#log}\n${script}\n`);
    chmodSync(file, 0o755);
  }

  /** An apt-get that has these packages, each with its programs, before or after an update. */
  putApt(packages: Readonly<Record<string, readonly string[]>>, { freshLists = true } = {}): void {
    const lists = join(this.folder, "lists");
    if (freshLists) writeFileSync(lists, "");
    const cases = Object.entries(packages).map(([name, programs]) => {
      const make = programs.map((program) => `: > ${this.path}/${program}; /bin/chmod +x ${this.path}/${program}`);
      return `${name}) ${make.join("; ")};;`;
    });
    this.put(
      "apt-get",
      `echo "$DEBIAN_FRONTEND $RUNLEVEL" >> ${this.#log}.env
case "$*" in *" update") : > ${lists}; exit 0;; esac
[ -e ${lists} ] || { echo "E: no lists"; exit 100; }
for last; do case "$last" in -*|*=*|install) ;; ${Object.keys(packages).join("|")}) ;; *) echo "E: Unable to locate package $last"; exit 100;; esac; done
for last; do case "$last" in ${cases.join(" ")} esac; done`,
    );
  }

  /** What was called, without apt's options. */
  get calls(): string[] {
    const lines = existsSync(this.#log) ? readFileSync(this.#log, "utf8").trim().split("\n") : [];
    return lines.map((line) => line.replaceAll(/ -(-\S+|o \S+)/gu, ""));
  }

  get environments(): Set<string> {
    return new Set(readFileSync(`${this.#log}.env`, "utf8").trim().split("\n"));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

const NGHTTP2 = { "nghttp2-client": ["nghttp", "h2load"] };
const BOTH: readonly ProgramName[] = ["nghttp", "h2load"];

test("set-up: what is there is left alone, and nothing is called", async () => {
  using machine = new FakeMachine();
  for (const name of ["apt-get", ...BOTH]) machine.put(name, "");
  assert.deepEqual(await installPrograms(BOTH, machine), []);
  assert.deepEqual([machine.calls, machine.told], [[], []]);
});

test("set-up: the packages of what is missing are installed, each once, with nobody asked and no runlevel that starts services", async () => {
  using machine = new FakeMachine();
  machine.putApt(NGHTTP2);
  assert.deepEqual(await installPrograms(BOTH, machine), []);
  assert.deepEqual(machine.calls, ["apt-get install nghttp2-client"]);
  assert.deepEqual(machine.environments, new Set(["noninteractive 1"]));
  assert.deepEqual(machine.told, ["nghttp, h2load not found: installing nghttp2-client with apt-get", "installed"]);
});

test("set-up: lists are fetched once, when there are none", async () => {
  using machine = new FakeMachine();
  machine.putApt(NGHTTP2, { freshLists: false });
  assert.deepEqual(await installPrograms(BOTH, machine), []);
  assert.deepEqual(machine.calls, [
    "apt-get install nghttp2-client",
    "apt-get update",
    "apt-get install nghttp2-client",
  ]);
});

test("set-up: a package that is not to be had keeps no other from being installed, and is told", async () => {
  using machine = new FakeMachine();
  machine.putApt({ curl: ["curl"] });
  assert.deepEqual(await installPrograms(["nghttp", "curl"], machine), ["nghttp"]);
  assert.ok(findProgram("curl", machine.path) !== undefined);
  assert.equal(machine.told.at(-1), "cannot install nghttp2-client: E: Unable to locate package nghttp2-client");
});

for (const hasSystemd of [true, false]) {
  test(`set-up: a service that comes with a package is not started, now or later${hasSystemd ? ", by systemd neither" : ""}`, async () => {
    using machine = new FakeMachine({ hasSystemd });
    machine.putApt({ "nginx-light": ["nginx"] });
    assert.deepEqual(await installPrograms(["nginx"], machine), []);
    const calls = [
      "systemctl mask nginx.service",
      "apt-get install nginx-light",
      "systemctl unmask nginx.service",
      "update-rc.d nginx disable",
    ];
    assert.deepEqual(
      machine.calls,
      calls.filter((call) => hasSystemd || !call.startsWith("systemctl")),
    );
  });
}

test("set-up: who is not root installs with sudo", async () => {
  using machine = new FakeMachine({ isRoot: false });
  machine.putApt(NGHTTP2);
  machine.put("sudo", `shift; exec "$@"`);
  machine.put("true", "");
  assert.deepEqual(await installPrograms(BOTH, machine), []);
  assert.ok(machine.calls.includes("apt-get install nghttp2-client"));
  assert.match(machine.told[0] ?? "", /with apt-get with sudo$/u);
});

const REFUSALS = [
  { name: "there is no sudo", put: ["apt-get"], sudo: undefined, why: "that takes root or sudo" },
  { name: "sudo asks for a password", put: ["apt-get"], sudo: "exit 1", why: "sudo asks for a password" },
  { name: "there is no apt-get", put: [], sudo: "exit 0", why: "there is no apt-get here" },
] as const;
for (const { name, put, sudo, why } of REFUSALS) {
  test(`set-up: when ${name} nothing is installed, and the reason is told`, async () => {
    using machine = new FakeMachine({ isRoot: false });
    for (const one of put) machine.put(one, "");
    if (sudo !== undefined) machine.put("sudo", sudo);
    assert.deepEqual(await installPrograms(BOTH, machine), BOTH);
    assert.deepEqual(machine.told, [`cannot install nghttp2-client: ${why}`]);
    assert.deepEqual(
      machine.calls.filter((call) => call.startsWith("apt-get")),
      [],
    );
  });
}

test("set-up: a file needs the programs that its folders or its own name name, under test/ only", () => {
  const cases: readonly (readonly [string, readonly ProgramName[]])[] = [
    ["test/peers/nginx/front.test.ts", ["nginx"]],
    ["test/peers/curl.test.ts", ["curl"]],
    ["test/peers/nginx-front.test.ts", []],
    ["src/nginx/nginx.test.ts", []],
    ["test/receive/grpc.test.ts", []],
  ];
  for (const [file, want] of cases) assert.deepEqual(programsNeededBy([file]), want, file);
});
