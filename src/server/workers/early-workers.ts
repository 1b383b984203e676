import type { ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseText } from "../../config/document.ts";
import { valueAt } from "../../config/values.ts";
import { workerCount } from "../worker-count.ts";
import { forkWorker } from "./fork-worker.ts";

/** Of this length a document is read in less time than is won. */
const SHORT = 65_536;

interface EarlyOptions {
  /** Of the processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How many workers a config has that does not say. */
  readonly unsaid: number;
}

/**
 * Processes of workers that load their code while a long document is read, on another core. Which
 * are needed is known only when it has been read: how many is what the text seems to say. One that
 * is not taken is killed in the end, and one that is missing is begun later.
 */
export class EarlyWorkers implements Disposable {
  readonly #children: ChildProcess[] = [];

  constructor(text: string, { env, unsaid }: EarlyOptions) {
    const count = Math.min(text.length > SHORT ? workersIn(text, unsaid) : 0, availableParallelism());
    try {
      while (this.#children.length < count) this.#children.push(forkWorker(env).on("error", ignore));
    } catch {
      // Whoever needs it tries again, and tells.
    }
  }

  /** One that has begun and still lives, once; whoever takes it ends it. */
  take(): ChildProcess | undefined {
    const child = this.#children.shift();
    return child === undefined || isAlive(child) ? child : this.take();
  }

  [Symbol.dispose](): void {
    for (const child of this.#children.splice(0)) child.kill("SIGKILL");
  }
}

/**
 * How many workers a document asks for, by its section `node` alone, where that stands in lines of
 * its own, as nearly always; 0 where the text does not tell.
 */
export function workersIn(text: string, unsaid: number): number {
  if (text.trimStart().startsWith("{")) return 0;
  const [section = ""] = /^node:[^\n]*\n(?:(?:[ #][^\n]*|\r?)\n)*/mu.exec(text) ?? [];
  const parsed = parseText(section);
  const workers = parsed.ok ? valueAt(parsed.document.root, "node", "workers") : 0;
  if (workers === undefined || workers === "auto") return workerCount({ workers }, unsaid);
  return typeof workers === "number" ? workers : 0;
}

function isAlive({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

function ignore(): void {}
