import { readdirSync, readFileSync } from "node:fs";

/** `getconf CLK_TCK`: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface Usage {
  /** User and system time of the process and its living descendants, threads included. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** Sum of each process's own peak. */
  readonly peakRssBytes: number;
}

/** Reads /proc; Linux only. Zeros when the process is gone. */
export function usageOfTree(pid: number): Usage {
  let cpuSeconds = 0;
  let rssBytes = 0;
  let peakRssBytes = 0;
  for (const each of processesOf(pid)) {
    const status = readProc(each, "status");
    cpuSeconds += cpuSecondsOf(each);
    rssBytes += kibibytes(status, "VmRSS") * 1_024;
    peakRssBytes += kibibytes(status, "VmHWM") * 1_024;
  }
  return { cpuSeconds, rssBytes, peakRssBytes };
}

/**
 * What only this process has in memory: not the files that it shares with others, as Node's own
 * program.
 */
export function privateBytesOf(pid: number): number {
  const rollup = readProc(pid, "smaps_rollup");
  return (kibibytes(rollup, "Private_Clean") + kibibytes(rollup, "Private_Dirty")) * 1_024;
}

/** The process, its children, theirs, and so on. */
export function processesOf(root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(statFields(pid)[1]);
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(childrenOf.get(pid) ?? [])); // grows while it is walked
  return tree;
}

/** Fields of /proc/pid/stat from the third on, because the second (the name) may hold blanks. */
function statFields(pid: number): string[] {
  const stat = readProc(pid, "stat");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function cpuSecondsOf(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function kibibytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "mu").exec(status)?.[1] ?? 0);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return ""; // it ended in the meantime
  }
}
