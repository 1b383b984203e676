/**
 * Plants faults in the code, one at a time, and tells which of them no test sees:
 * `node test/mutants/run.ts [part of a name]`. By hand, since each fault costs a run of the tests
 * that can see it; it works on a copy and changes nothing here. Exit code 1 when a fault survives,
 * or when its place is not found any more.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What tests read besides the code. */
const COPIED = ["src", "test", "bench", "bin", "docs", "examples", "package.json", "tsconfig.json", "README.md"];
/**
 * Longer than these tests take on two cores; a fault that makes a loop endless ends here, and is
 * seen.
 */
const TIMEOUT_MS = 120_000;

/** `too slow`: a loop is endless, or the machine busy; look at it. */
type Verdict = "seen" | "too slow" | "survived" | "not found";

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-mutants-"));
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Whether a test of these fails. */
async function verdictOf(folder: string, patterns: readonly string[]): Promise<Verdict> {
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: folder }));
  if (files.length === 0) throw new Error(`no tests at ${patterns.join(" ")}`);
  // The first file with a failure is enough.
  for (const file of files) {
    const verdict = await run(folder, file);
    if (verdict !== "survived") return verdict;
  }
  return "survived";
}

/** In a process of its own without further ones: nothing is left over of an endless loop. */
async function run(folder: string, file: string): Promise<Verdict> {
  const options = ["--test", "--test-isolation=none", "--test-reporter=dot"];
  const child = spawn(process.execPath, [...options, file], {
    cwd: folder,
    stdio: "ignore",
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code === null) return "too slow";
  return code === 0 ? "survived" : "seen";
}

async function plant(folder: string, { file, code, fault, tests }: Mutant): Promise<Verdict> {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  if (text.split(code).length !== 2) return "not found";
  writeFileSync(
    path,
    text.replace(code, () => fault),
  );
  try {
    return await verdictOf(folder, tests);
  } finally {
    writeFileSync(path, text);
  }
}

/** Tests that fail without any fault would see all of them. */
async function assertSound(folder: string, mutants: readonly Mutant[]): Promise<void> {
  const patterns = new Set(mutants.flatMap(({ tests }) => tests));
  const files = new Set([...patterns].flatMap((pattern) => globSync(pattern, { cwd: folder })));
  for (const file of files) {
    const verdict = await run(folder, file);
    if (verdict !== "survived") throw new Error(`${file} without a fault: ${verdict}`);
  }
}

const asked = process.argv[2] ?? "";
const mutants = MUTANTS.filter(({ name }) => name.includes(asked));
const folder = copyTree();
const counts: Record<Verdict, number> = { seen: 0, "too slow": 0, survived: 0, "not found": 0 };
try {
  await assertSound(folder, mutants);
  for (const mutant of mutants) {
    const verdict = await plant(folder, mutant);
    counts[verdict]++;
    process.stdout.write(`${verdict.padEnd(9)}  ${mutant.name} (${mutant.file})\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.stdout.write(
  `${Object.entries(counts)
    .map(([verdict, count]) => `${count} ${verdict}`)
    .join(", ")}\n`,
);
if (counts.survived + counts["not found"] > 0) process.exitCode = 1;
