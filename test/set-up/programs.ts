import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** A program that tests run beside Signalbox, and how a Debian machine comes by it. */
export interface Program {
  readonly debianPackage: string;
  /** Prints its version. */
  readonly versionArgument: string;
  /** The package starts this when it is installed, unless it is kept from it. */
  readonly service?: string;
  /** This Debian has no such package, or not that version: private-package.ts brings it. */
  readonly elsewhere?: PrivatePackage;
}

/** A package of another release of Debian, of which one file is used and nothing is installed. */
export interface PrivatePackage {
  readonly suite: string;
  /** In the package. */
  readonly file: string;
}

const KNOWN = {
  consul: {
    debianPackage: "consul",
    versionArgument: "version",
    elsewhere: { suite: "bullseye", file: "usr/bin/consul" },
  },
  curl: { debianPackage: "curl", versionArgument: "--version" },
  etcd: { debianPackage: "etcd-server", versionArgument: "--version", service: "etcd" },
  "etcd-newer": {
    debianPackage: "etcd-server",
    versionArgument: "--version",
    elsewhere: { suite: "trixie", file: "usr/bin/etcd" },
  },
  h2load: { debianPackage: "nghttp2-client", versionArgument: "--version" },
  nghttp: { debianPackage: "nghttp2-client", versionArgument: "--version" },
  nginx: { debianPackage: "nginx-light", versionArgument: "-v", service: "nginx" },
  openssl: { debianPackage: "openssl", versionArgument: "version" },
} as const satisfies Readonly<Record<string, Program>>;

export type ProgramName = keyof typeof KNOWN;
export const PROGRAMS: Readonly<Record<ProgramName, Program>> = KNOWN;
export const PROGRAM_NAMES = Object.keys(KNOWN) as ProgramName[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the keys of a constant

/** Where daemons are, which the PATH of people often leaves out. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Where private-package.ts leaves programs, for all checkouts of this user. */
export function privateFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "signalbox-tests");
}

/** Where programs are looked for: the machine's own come first. */
export function searchPath(): string {
  return [process.env["PATH"] ?? "", ...SYSTEM_FOLDERS, privateFolder()].join(delimiter);
}

/** Where a program is, or undefined when it is not there. */
export function findProgram(name: string, path: string = searchPath()): string | undefined {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * The programs that these test files need: a file under test/ needs a program when a folder of its
 * path, or its own name without what follows the first dot, is the program's.
 */
export function programsNeededBy(files: readonly string[]): ProgramName[] {
  const words = new Set(files.filter((file) => file.startsWith("test/")).flatMap(wordsOf));
  return PROGRAM_NAMES.filter((name) => words.has(name));
}

/** The version that a program tells of itself; empty when it tells none. */
export function versionOf(name: ProgramName): string {
  const program = findProgram(name);
  if (program === undefined) return "";
  const { stdout, stderr } = spawnSync(program, [PROGRAMS[name].versionArgument], {
    encoding: "utf8",
    timeout: 10_000,
  });
  return /\d+\.\d+[.\w]*/u.exec(`${stdout}${stderr}`)?.[0] ?? "";
}

/** What is absent, and the command that brings it. */
export function absenceOf(name: ProgramName): string {
  const { debianPackage, elsewhere } = PROGRAMS[name];
  const how = elsewhere === undefined ? `apt-get install ${debianPackage}` : `${debianPackage} of ${elsewhere.suite}`;
  return `${name} is not there (Debian: ${how})`;
}

function wordsOf(file: string): string[] {
  const words = file.split("/");
  return [...words.slice(0, -1), (words.at(-1) ?? "").split(".", 1)[0] ?? ""];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
