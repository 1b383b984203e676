import { readFileSync } from "node:fs";
import { availableParallelism, freemem, totalmem } from "node:os";
import { openCgroup, type ReadFile } from "./cgroup.ts";

/** What is asked of the system: the machine, and the files in which Linux tells of cgroups. */
export interface Machine {
  readonly readFile: ReadFile;
  /** Processors that the process may use. */
  readonly cores: number;
  readonly totalBytes: number;
  /** Memory that is free, or can be made so at once. */
  availableBytes(): number;
}

/** The machine that this process runs on, with what its cgroup allows. */
export function thisMachine(): Machine {
  return {
    readFile,
    cores: availableParallelism(),
    totalBytes: totalmem(),
    availableBytes: freemem,
  };
}

/** What a node may use, and how much of the memory is in use. */
export interface NodeAllowance {
  cores(): number;
  /** 0 to 1. */
  memoryShare(): number;
}

export function openAllowance(machine: Machine): NodeAllowance {
  const cgroup = openCgroup(machine.readFile);
  return {
    cores: () => Math.min(machine.cores, cgroup.cores() ?? machine.cores),
    memoryShare() {
      const memory = cgroup.memory();
      // A limit that is above what the machine has is none.
      if (memory !== undefined && memory.limitBytes < machine.totalBytes) return memory.usedBytes / memory.limitBytes;
      return machine.totalBytes > 0 ? 1 - machine.availableBytes() / machine.totalBytes : 0;
    },
  };
}

/** These files are in the system's memory; each takes it some 10 microseconds. */
function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // no Linux, no such cgroup, or no file descriptor left
  }
}
