import { readdirSync, readFileSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly line: string;
}

/**
 * Ends a process and, on Linux, all that come from it, by SIGKILL. Tells what they were: id, state,
 * milliseconds of CPU time, command line.
 */
export function killTree(pid: number): string {
  const all = processes();
  const tree = new Set([pid]);
  for (let size = 0; size < tree.size; ) {
    size = tree.size;
    for (const one of all) if (tree.has(one.parent)) tree.add(one.pid);
  }
  for (const one of tree) {
    try {
      process.kill(one, "SIGKILL");
    } catch {
      // It has ended since.
    }
  }
  return all.flatMap((one) => (tree.has(one.pid) ? [one.line] : [])).join("\n");
}

/** None where there is no /proc. */
function processes(): Process[] {
  return namesIn("/proc").flatMap((name) => {
    if (!/^\d+$/u.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      // proc_pid_stat(5): what follows the name in parentheses is state, parent, ..., utime, stime.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const cpuMs = 10 * (Number(fields[11]) + Number(fields[12]));
      const args = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").slice(0, 300);
      return [{ pid: Number(name), parent: Number(fields[1]), line: `${name} ${fields[0]} ${cpuMs} ms ${args}` }];
    } catch {
      return []; // It has ended since.
    }
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
