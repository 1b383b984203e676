import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";

/** Where and from what the figures come. */
export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly node: string;
}

export function describeMachine(wallMs: number): Machine {
  return {
    date: new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short", timeZone: "UTC" }).format(wallMs),
    commit: commitOf(import.meta.dirname) ?? "unknown",
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 1_048_576),
    kernel: release(),
    node: process.version,
  };
}

/** With `+` when the work tree differs from the commit. Undefined: not a checkout. */
export function commitOf(dir: string): string | undefined {
  try {
    const id = git(dir, "rev-parse", "--short=12", "HEAD");
    return git(dir, "status", "--porcelain", "--untracked-files=no") === "" ? id : `${id}+`;
  } catch {
    return undefined;
  }
}

function git(dir: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd: dir, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}
