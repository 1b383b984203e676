import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setPriority } from "node:os";

/** Where what is measured and what measures it run, so that neither takes the other's time. */
export interface Cores {
  readonly server: number;
  /** Of the load, the sinks and attackers. */
  readonly others: number;
}

/** Two cores of this process; undefined when it has only one, or no `taskset`. */
export function twoCores(): Cores | undefined {
  const [server, others] = allowedCores();
  if (server === undefined || others === undefined) return undefined;
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return { server, others };
  } catch {
    return undefined;
  }
}

/** All threads of the process, and those that it will start. `cores`: a list as taskset has it. */
export function pin(pid: number, cores: number | string | undefined): void {
  if (cores === undefined) return;
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", String(cores), String(pid)], { stdio: "ignore" });
}

/**
 * The thread that does the work, and those that it will start: the collector of a Node process may
 * use what is free elsewhere.
 */
export function pinMain(pid: number, core: number | undefined): void {
  if (core !== undefined)
    execFileSync("taskset", ["--cpu-list", "--pid", String(core), String(pid)], { stdio: "ignore" });
}

/** The process runs after others on its core. */
export function lowerPriority(pid: number): void {
  setPriority(pid, 10);
}

/** `0-2,5` in /proc/self/status. */
export function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/mu.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
