import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { installPrivately } from "./private-package.ts";
import { findProgram, privateFolder, type ProgramName, PROGRAMS, searchPath } from "./programs.ts";

/** The machine that programs are installed on; all of it has a default, which is this one. */
export interface Machine {
  readonly path: string;
  /** `/etc`, where it says which release of Debian it is, and where that comes from. */
  readonly etc: string;
  /** Where programs that are not installed are left. */
  readonly privateFolder: string;
  readonly isRoot: boolean;
  /** Whether systemd starts services here. */
  readonly hasSystemd: boolean;
  /** Takes what is done, line by line. */
  readonly tell: (line: string) => void;
}

/**
 * Installs the Debian packages of the programs that are not there, as root or with `sudo -n`; those
 * of another release are not installed, but put aside. Starts no service. Returns the programs that
 * are absent in the end, having told why. Takes ten minutes at most for each of the two.
 */
export async function installPrograms(
  names: readonly ProgramName[],
  machine: Machine = thisMachine(),
): Promise<ProgramName[]> {
  const missing = absentOf(names, machine);
  const isElsewhere = (name: ProgramName): boolean => PROGRAMS[name].elsewhere !== undefined;
  const own = await installOwn(
    missing.filter((name) => !isElsewhere(name)),
    machine,
  );
  const aside = missing.filter(isElsewhere);
  await installPrivately(aside, machine, runQuietly);
  return [...own, ...absentOf(aside, machine)];
}

async function installOwn(missing: readonly ProgramName[], machine: Machine): Promise<readonly ProgramName[]> {
  if (missing.length === 0) return [];
  const become = await rightsOf(machine);
  if (typeof become === "string") {
    machine.tell(`cannot install ${listed(packagesOf(missing))}: ${become}`);
    return missing;
  }
  const how = become.length === 0 ? "" : ` with ${become[0]}`;
  machine.tell(`${listed(missing)} not found: installing ${listed(packagesOf(missing))} with apt-get${how}`);
  const failure = await new Apt(become, machine).installAll(missing);
  const absent = absentOf(missing, machine);
  if (absent.length === 0) machine.tell("installed");
  else machine.tell(`cannot install ${listed(packagesOf(absent))}: ${failure}`);
  return absent;
}

export function thisMachine(): Machine {
  return {
    path: searchPath(),
    etc: "/etc",
    privateFolder: privateFolder(),
    isRoot: process.getuid?.() === 0,
    hasSystemd: existsSync("/run/systemd/system"),
    tell: (line) => void process.stdout.write(`set-up: ${line}\n`),
  };
}

const LIMIT_SECONDS = 600;
/** Another apt may be at work. A mirror that does not answer is given up soon. */
const OPTIONS = ["DPkg::Lock::Timeout=60", "Acquire::http::Timeout=20", "Acquire::Retries=1"].flatMap((option) => [
  "-o",
  option,
]);
/**
 * Nobody is asked anything. Where no systemd runs, services are started by the scripts of the
 * runlevel, and in runlevel 1 none is. needrestart would restart services that have nothing to do
 * with this.
 */
const ENVIRONMENT = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "PREVLEVEL=N", "NEEDRESTART_SUSPEND=1"];

class Apt {
  readonly #become: readonly string[];
  readonly #machine: Machine;
  readonly #endsMs = performance.now() + LIMIT_SECONDS * 1_000;

  constructor(become: readonly string[], machine: Machine) {
    this.#become = become;
    this.#machine = machine;
  }

  /** Why something is still missing, in the words of what failed last. */
  async installAll(missing: readonly ProgramName[]): Promise<string> {
    const packages = packagesOf(missing);
    const services = missing.flatMap((name) => PROGRAMS[name].service ?? []);
    await this.#holdServices("mask", services);
    try {
      return await this.#install(packages);
    } finally {
      await this.#holdServices("unmask", services);
      // Tests start their own: none of it is to come up with the machine.
      for (const service of services) await this.#run("update-rc.d", [service, "disable"]);
    }
  }

  /**
   * Lists are fetched when they are needed: on a fresh machine there are none, on an old one they
   * may be out of date.
   */
  async #install(packages: readonly string[]): Promise<string> {
    if ((await this.#apt("install", packages)) === undefined) return "";
    const update = await this.#apt("update", []);
    if (update !== undefined) return update;
    const failure = await this.#apt("install", packages);
    if (failure === undefined || packages.length === 1) return failure ?? "";
    let last = "";
    for (const one of packages) last = (await this.#apt("install", [one])) ?? last;
    return last;
  }

  #apt(command: "install" | "update", packages: readonly string[]): Promise<string | undefined> {
    const more = command === "install" ? ["--yes", "--no-install-recommends", ...packages] : [];
    return this.#run("apt-get", ["--quiet", ...OPTIONS, command, ...more]);
  }

  /** systemd starts no unit that is masked; this mask is gone with the next boot at the latest. */
  async #holdServices(command: "mask" | "unmask", services: readonly string[]): Promise<void> {
    if (!this.#machine.hasSystemd || services.length === 0) return;
    await this.#run("systemctl", [command, "--runtime", ...services.map((service) => `${service}.service`)]);
  }

  /**
   * Undefined when it succeeded, or why it did not. `timeout` ends it with the rights that it has.
   */
  #run(command: string, args: readonly string[]): Promise<string | undefined> {
    const seconds = Math.ceil((this.#endsMs - performance.now()) / 1_000);
    if (seconds <= 0) return Promise.resolve(`it took longer than ${LIMIT_SECONDS} s`);
    const bounded = ["timeout", "--kill-after=10", String(seconds), command, ...args];
    return runQuietly([...this.#become, "env", ...ENVIRONMENT, ...bounded], this.#machine.path);
  }
}

/** What to put before a command so that it may install, or why nothing can. */
async function rightsOf(machine: Machine): Promise<readonly string[] | string> {
  if (findProgram("apt-get", machine.path) === undefined) return "there is no apt-get here";
  if (machine.isRoot) return [];
  if (findProgram("sudo", machine.path) === undefined) return "that takes root or sudo";
  const refused = await runQuietly(["sudo", "-n", "true"], machine.path);
  return refused === undefined ? ["sudo", "-n"] : `sudo asks for a password`;
}

/** Undefined when it succeeded, or the last line that it printed. */
async function runQuietly([command, ...args]: readonly string[], path: string): Promise<string | undefined> {
  const child = spawn(command!, args, { env: { ...process.env, PATH: path }, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed = (printed + text).slice(-4_096);
    });
  }
  const [code] = await once(child, "close");
  return code === 0 ? undefined : (printed.trim().split("\n").at(-1) ?? `${command} ended with ${String(code)}`);
}

function absentOf(names: readonly ProgramName[], { path }: Machine): ProgramName[] {
  return names.filter((name) => findProgram(name, path) === undefined);
}

function packagesOf(names: readonly ProgramName[]): string[] {
  return [...new Set(names.map((name) => PROGRAMS[name].debianPackage))];
}

function listed(words: readonly string[]): string {
  return words.join(", ");
}
