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
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { installPrograms } from "./install.ts";
import { findProgram, type ProgramName, programsNeededBy } from "./programs.ts";

/** A machine whose programs are scripts in one folder, which note how they are called. */
class FakeMachine implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "signalbox-set-up-"));
  readonly etc = join(this.folder, "etc");
  readonly privateFolder = join(this.folder, "private");
  readonly told: string[] = [];
  readonly #log = join(this.folder, "log");
  readonly isRoot: boolean;
  readonly hasSystemd: boolean;

  constructor({ isRoot = true, hasSystemd = false } = {}) {
    this.isRoot = isRoot;
    this.hasSystemd = hasSystemd;
    mkdirSync(this.#bin);
    mkdirSync(join(this.etc, "apt/sources.list.d"), { recursive: true });
    for (const name of ["env", "timeout", "cp"]) symlinkSync(findProgram(name)!, join(this.#bin, name));
    for (const name of ["systemctl", "update-rc.d"]) this.put(name, "");
  }

  get path(): string {
    return [this.#bin, this.privateFolder].join(delimiter);
  }

  get #bin(): string {
    return join(this.folder, "bin");
  }

  readonly tell = (line: string): void => void this.told.push(line);

  put(name: string, script: string): void {
    const file = join(this.#bin, name);
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> ${this.#log}\n${script}\n`);
    chmodSync(file, 0o755);
  }

  /** An apt-get that has these packages, each with its programs, before or after an update. */
  putApt(packages: Readonly<Record<string, readonly string[]>>, { freshLists = true } = {}): void {
    const lists = join(this.folder, "lists");
    if (freshLists) writeFileSync(lists, "");
    const cases = Object.entries(packages).map(([name, programs]) => {
      const make = programs.map((program) => `: > ${this.#bin}/${program}; /bin/chmod +x ${this.#bin}/${program}`);
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

  /** A Debian whose apt has one package of another release, in whose place is a script. */
  putDebian(files: Readonly<Record<string, string>>, program = "usr/bin/consul"): void {
    const os = `PRETTY_NAME="Debian"\nID=debian\nVERSION_CODENAME=bookworm\n`;
    for (const [name, text] of Object.entries({ "os-release": os, ...files })) {
      writeFileSync(join(this.etc, name), text);
    }
    const kept = `/bin/cat *.sources > ${this.folder}/asked; echo "$*" > ${this.folder}/options`;
    this.put("apt-get", `case "$*" in *" update") ${kept};; *" download consul") : > consul_1.8.7.deb;; esac`);
    const make = `/bin/mkdir -p "$3/usr/bin"; echo "#!/bin/sh" > "$3/${program}"; /bin/chmod +x "$3/${program}"`;
    this.put("dpkg-deb", make);
  }

  /** The sources that apt was given, and where its lists were to be. */
  get askedSources(): string {
    return readFileSync(join(this.folder, "asked"), "utf8");
  }

  get aptOptions(): string {
    return readFileSync(join(this.folder, "options"), "utf8");
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

const STANZA = "Types: deb\nURIs: http://deb.example/debian\nSuites: bullseye\nComponents: main";
const SOURCES: readonly { readonly name: string; readonly files: Record<string, string>; readonly want: string }[] = [
  {
    name: "of stanzas, with their keys",
    files: {
      "apt/sources.list.d/debian.sources":
        "# made by hand\nTypes: deb\n# not this: Suites: sid\nURIs: http://deb.example/debian\nSuites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /keys.gpg\n\nTypes: deb\nURIs: http://deb.example/security\nSuites: bookworm-security\nComponents: main\n",
    },
    want: `${STANZA}\nSigned-By: /keys.gpg`,
  },
  {
    name: "of lines",
    files: {
      "apt/sources.list":
        "deb http://deb.example/debian bookworm main\ndeb-src http://deb.example/debian bookworm main\n",
      "apt/sources.list.d/other.list": "deb [arch=amd64 signed-by=/keys.gpg] https://other.example/apt bookworm main\n",
    },
    want: `${STANZA}\n\n${STANZA.replace("http://deb.example/debian", "https://other.example/apt")}\nSigned-By: /keys.gpg`,
  },
];
for (const { name, files, want } of SOURCES) {
  test(`set-up: a program of another release comes from this machine's own sources ${name}, and nothing is installed`, async () => {
    using machine = new FakeMachine({ isRoot: false });
    machine.putDebian(files);
    assert.deepEqual(await installPrograms(["consul"], machine), []);
    assert.equal(findProgram("consul", machine.path), join(machine.privateFolder, "consul"));
    assert.equal(machine.askedSources, want);
    assert.match(
      machine.aptOptions,
      /Dir::Etc::SourceParts=- .*Dir::State::Lists=\S*signalbox-apt-.*Dir::Cache=\S*signalbox-apt-/u,
    );
    assert.doesNotMatch(machine.aptOptions, /allow|insecure|trusted|unauthenticated/iu);
    assert.deepEqual(
      machine.calls.map((call) => call.replace(/ (?:consul$|\/).*/u, "")),
      ["apt-get update", "apt-get download", "dpkg-deb"],
    );
    assert.equal(machine.told.at(-1), "fetched");
  });
}

const ABSENCES = [
  {
    name: "the release is gone",
    put: "echo 'E: The repository is no more'; exit 100",
    why: "E: The repository is no more",
  },
  { name: "the package is not what it was", program: "usr/bin/other", why: "the package has no usr/bin/consul" },
  {
    name: "the machine is no Debian",
    files: { "os-release": "ID=other\nVERSION_CODENAME=bookworm\n" },
    why: "no source of packages of this machine is a release of Debian",
  },
] as const;
for (const { name, why, ...given } of ABSENCES) {
  test(`set-up: when ${name} a program of another release is absent, and the reason is told`, async () => {
    using machine = new FakeMachine();
    const sources = { "apt/sources.list": "deb http://deb.example/debian bookworm main\n" };
    machine.putDebian(
      { ...sources, ...("files" in given && given.files) },
      "program" in given ? given.program : undefined,
    );
    if ("put" in given) machine.put("apt-get", given.put);
    assert.deepEqual(await installPrograms(["consul"], machine), ["consul"]);
    assert.equal(machine.told.at(-1), `cannot fetch consul of bullseye: ${why}`);
    assert.equal(existsSync(join(machine.privateFolder, "consul")), false);
  });
}

test("set-up: a file needs the programs that its folders or its own name name, under test/ only", () => {
  const cases: readonly (readonly [string, readonly ProgramName[]])[] = [
    ["test/peers/nginx/front.test.ts", ["nginx"]],
    ["test/peers/curl.test.ts", ["curl"]],
    ["test/store/consul/leases.test.ts", ["consul"]],
    ["src/store/consul/consul.test.ts", []],
    ["test/peers/nginx-front.test.ts", []],
    ["src/nginx/nginx.test.ts", []],
    ["test/receive/grpc.test.ts", []],
  ];
  for (const [file, want] of cases) assert.deepEqual(programsNeededBy([file]), want, file);
});
