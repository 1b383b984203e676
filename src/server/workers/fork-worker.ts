import { type ChildProcess, fork } from "node:child_process";
import { getCompileCacheDir } from "node:module";
import { fileURLToPath } from "node:url";
import { ALLOCATOR, inheritedEnv, inheritedFlags, WORKER_FLAGS } from "./worker-flags.ts";

/**
 * Begins the process of a worker, which does nothing until it is told. `env`: of the process, and
 * what its plans are bound with. Throws where the system makes no process, unless it says so later.
 */
export function forkWorker(env: Readonly<Record<string, string | undefined>>): ChildProcess {
  const module = import.meta.url.endsWith(".ts") ? "./worker-process.ts" : "./worker-process.js";
  return fork(fileURLToPath(new URL(module, import.meta.url)), [], {
    serialization: "json",
    execArgv: [...WORKER_FLAGS, ...inheritedFlags(process.execArgv)],
    env: { ...ALLOCATOR, ...inheritedEnv(process.env), ...env, NODE_COMPILE_CACHE: getCompileCacheDir() },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}
