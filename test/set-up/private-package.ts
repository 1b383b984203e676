import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Machine } from "./install.ts";
import { findProgram, type PrivatePackage, type ProgramName, PROGRAMS } from "./programs.ts";

/** Undefined when the command succeeded, or the last line that it printed. */
type Run = (command: readonly string[], path: string) => Promise<string | undefined>;

/**
 * Fetches packages of other releases of Debian and takes one file out of each: nothing is
 * installed, and the machine's own apt neither learns of that release nor has its lists changed.
 * Signatures are checked with the keys that the machine's own sources name. No rights are needed.
 * Tells why it cannot.
 */
export async function installPrivately(names: readonly ProgramName[], machine: Machine, run: Run): Promise<void> {
  for (const name of names) {
    const { debianPackage, elsewhere } = PROGRAMS[name];
    if (elsewhere === undefined) continue;
    const what = `${debianPackage} of ${elsewhere.suite}`;
    machine.tell(`${name} not found: fetching ${what} with apt-get, to ${machine.privateFolder}`);
    const failure = await fetchFile(name, elsewhere, machine, run);
    machine.tell(failure === undefined ? "fetched" : `cannot fetch ${what}: ${failure}`);
  }
}

const LIMIT_SECONDS = 300;

async function fetchFile(
  name: ProgramName,
  { suite, file }: PrivatePackage,
  machine: Machine,
  run: Run,
): Promise<string | undefined> {
  const absent = ["apt-get", "dpkg-deb"].find((program) => findProgram(program, machine.path) === undefined);
  if (absent !== undefined) return `there is no ${absent} here`;
  const sources = sourcesOf(suite, machine.etc);
  if (sources === "") return "no source of packages of this machine is a release of Debian";
  const folder = mkdtempSync(join(tmpdir(), "signalbox-apt-"));
  try {
    const bounded = ["timeout", "--kill-after=10", String(LIMIT_SECONDS)];
    const apt = ["env", "-C", folder, ...bounded, "apt-get", "--quiet", ...privateOptions(folder, sources)];
    const debs = (): string[] => globSync("*.deb", { cwd: folder });
    const failure =
      (await run([...apt, "update"], machine.path)) ??
      (await run([...apt, "download", PROGRAMS[name].debianPackage], machine.path)) ??
      (debs().length === 1 ? undefined : "apt-get left no package") ??
      (await run([...bounded, "dpkg-deb", "--extract", join(folder, debs()[0]!), join(folder, "root")], machine.path));
    if (failure !== undefined) return failure;
    if (!existsSync(join(folder, "root", file))) return `the package has no ${file}`;
    return await keep(join(folder, "root", file), join(machine.privateFolder, name), machine, run);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** It is there whole or not at all: others may look for it meanwhile. */
async function keep(from: string, to: string, machine: Machine, run: Run): Promise<string | undefined> {
  mkdirSync(dirname(to), { recursive: true });
  const coming = `${to}.${process.pid}`;
  const failure = await run(["cp", from, coming], machine.path);
  if (failure === undefined) renameSync(coming, to);
  return failure;
}

/**
 * Lists, cache and sources of apt in that folder; its settings and keys are those of the machine.
 */
function privateOptions(folder: string, sources: string): string[] {
  const file = join(folder, "private.sources");
  writeFileSync(file, sources);
  for (const name of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(folder, name), { recursive: true });
  const options = {
    "Dir::Etc::SourceList": file,
    "Dir::Etc::SourceParts": "-",
    "Dir::State::Lists": join(folder, "lists"),
    "Dir::Cache": join(folder, "cache"),
    // What apt drops its rights for could not be read there.
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    "Acquire::http::Timeout": "20",
    "Acquire::Retries": "1",
  };
  return Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
}

/** The sources of this machine's release, for another one; empty when there is none. */
function sourcesOf(suite: string, etc: string): string {
  const release = /^VERSION_CODENAME=(?<name>\w+)$/mu.exec(textOf(join(etc, "os-release")))?.groups?.["name"];
  if (release === undefined || !/^ID=debian$/mu.test(textOf(join(etc, "os-release")))) return "";
  const parts = join(etc, "apt/sources.list.d");
  const files = existsSync(parts) ? readdirSync(parts).toSorted() : [];
  const texts = (end: string): string =>
    files
      .filter((name) => name.endsWith(end))
      .map((name) => textOf(join(parts, name)))
      .join("\n\n");
  const lines = linesOf(`${textOf(join(etc, "apt/sources.list"))}\n${texts(".list")}`, release, suite);
  return [...stanzasOf(texts(".sources"), release, suite), ...lines].join("\n\n");
}

function stanzasOf(text: string, release: string, suite: string): string[] {
  const stanzas = text.split(/\n\s*\n/u).map((stanza) => stanza.replaceAll(/^#.*\n?/gmu, ""));
  return stanzas.flatMap((stanza) => {
    const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, "imu").exec(stanza)?.[1] ?? "";
    const isOf = field("Suites").split(/\s+/u).includes(release) && field("Types").split(/\s+/u).includes("deb");
    if (!isOf || field("Enabled") === "no") return [];
    const keys = field("Signed-By");
    return [sourceOf({ uris: field("URIs"), suite, keys })];
  });
}

/** `deb [signed-by=...] http://... bookworm main`. */
function linesOf(text: string, release: string, suite: string): string[] {
  const pattern = /^deb\s+(?:\[(?<options>[^\]]*)\]\s+)?(?<uri>\S+)\s+(?<release>\S+)\s/gmu;
  return [...text.matchAll(pattern)].flatMap(({ groups }) => {
    if (groups?.["release"] !== release) return [];
    const keys = /signed-by=(?<keys>\S+)/iu.exec(groups["options"] ?? "")?.groups?.["keys"] ?? "";
    return [sourceOf({ uris: groups["uri"] ?? "", suite, keys })];
  });
}

function sourceOf({ uris, suite, keys }: { uris: string; suite: string; keys: string }): string {
  const signed = keys === "" ? "" : `\nSigned-By: ${keys}`;
  return `Types: deb\nURIs: ${uris}\nSuites: ${suite}\nComponents: main${signed}`;
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
