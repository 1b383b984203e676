import { fork } from "node:child_process";
import { getCompileCacheDir } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { RouterError } from "../../core/errors.ts";
import type { DocumentWork } from "./document-work.ts";

export interface HelperWork {
  readonly name: keyof DocumentWork;
  readonly args: readonly unknown[];
}

export type HelperAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly cause: unknown };

/**
 * `thread` is there sooner. `process` gives back what it took: of a thread that read 10,000 rules,
 * V8 and the allocator keep hundreds of megabytes for this process, some for seconds, some for
 * good.
 */
export type HelperKind = "thread" | "process";

/** Who reads documents beside this thread. It lets the process end. */
export interface DocumentHelper {
  readonly kind: HelperKind;
  send(work: HelperWork): void;
  /** At once, with what it is working on. */
  end(): Promise<unknown>;
}

interface HelperEvents {
  readonly answered: (answer: HelperAnswer) => void;
  /** It ended by itself; it may have been ended in the meantime. */
  readonly failed: (cause: unknown) => void;
}

/** Of a helper's own heap, for the largest document and what is made of it. */
const HEAP_MB = 1_024;
/** How V8 ends a process that has no memory left. */
const OUT_OF_MEMORY = ["SIGABRT", "SIGTRAP", "SIGILL"];
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./helper-entry.ts" : "./helper-entry.js", import.meta.url);

export function openHelper(kind: HelperKind, events: HelperEvents): DocumentHelper {
  return kind === "thread" ? openThread(events) : openProcess(events);
}

function openThread({ answered, failed }: HelperEvents): DocumentHelper {
  const thread = new Worker(ENTRY, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
  thread.unref();
  thread.on("message", answered);
  thread.on("error", (cause) => {
    const isMemory = "code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY";
    failed(isMemory ? tooMuch("more memory than one may have") : cause);
  });
  return {
    kind: "thread",
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    send: (work) => thread.postMessage(work),
    end: () => thread.terminate(),
  };
}

function openProcess({ answered, failed }: HelperEvents): DocumentHelper {
  const child = fork(fileURLToPath(ENTRY), [], {
    serialization: "advanced",
    execArgv: [`--max-old-space-size=${HEAP_MB}`],
    env: { ...process.env, NODE_COMPILE_CACHE: getCompileCacheDir() },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  child.unref();
  child.channel?.unref();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the same program
  child.on("message", (answer) => answered(answer as HelperAnswer));
  child.on("error", failed);
  child.on("exit", (code, signal) => {
    const isMemory = signal !== null && OUT_OF_MEMORY.includes(signal);
    failed(isMemory ? tooMuch("more memory than one may have") : endedEarly(signal ?? `code ${code}`));
  });
  return {
    kind: "process",
    send: (work) => void child.send(work, ignore), // that it has ended is told by itself
    end: () => {
      child.kill("SIGKILL");
      return Promise.resolve();
    },
  };
}

/** The document is given up. */
export function tooMuch(what: string): RouterError {
  return new RouterError("CONFIG_UNREADABLE", `reading the document takes ${what}`, { hint: "make it smaller" });
}

function endedEarly(how: string): RouterError {
  const hint = "send SIGHUP, or change the document, to have it read again";
  return new RouterError("CONFIG_UNREADABLE", `the process that read the document ended with ${how}`, { hint });
}

function ignore(): void {}
