import { Worker } from "node:worker_threads";
import type { Cancel, Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { DocumentWork } from "./document-work.ts";

export interface ThreadWork {
  readonly name: keyof DocumentWork;
  readonly args: readonly unknown[];
}

export type ThreadAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly cause: unknown };

/** One document may take this long: the largest, of 16 MiB, take a tenth of it. */
const LONGEST_MS = 120_000;
/**
 * A thread that has had nothing to do for this long gives its memory back: after a large document
 * that is several times what all else of the process has. Another one is there in a moment.
 */
const IDLE_MS = 2_000;
/** Of the thread's own heap, for the largest document and what is made of it. */
const HEAP = { maxOldGenerationSizeMb: 1_024 };

interface Job extends ThreadWork {
  readonly resolve: (result: unknown) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * One thread that reads documents, one after the other: however many want it, it takes the memory
 * and the processor of one. It is there from the first piece of work on, and lets the process end.
 * A document that is too much for it costs that document only.
 */
export class DocumentWorker implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #waiting: Job[] = [];
  #thread: Worker | undefined;
  #job: Job | undefined;
  #cancel: Cancel | undefined;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Rejects with what the work throws, and with CONFIG_UNREADABLE when it is too much for a thread.
   * `first`: before all that waits.
   */
  run(work: ThreadWork, first: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new RouterError("SHUTDOWN", "the node stops"));
      const job = { ...work, resolve, reject };
      if (first) this.#waiting.unshift(job);
      else this.#waiting.push(job);
      this.#next();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const thread = this.#thread;
    const ended = new RouterError("SHUTDOWN", "the node stops");
    this.#drop(ended);
    for (const job of this.#waiting.splice(0)) job.reject(ended);
    await thread?.terminate();
  }

  #next(): void {
    if (this.#job !== undefined) return;
    this.#cancel?.();
    this.#job = this.#waiting.shift();
    if (this.#job === undefined) {
      if (this.#thread !== undefined) this.#cancel = this.#clock.after(IDLE_MS, () => this.#drop(undefined));
      return;
    }
    this.#thread ??= this.#open();
    const { name, args } = this.#job;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#thread.postMessage({ name, args } satisfies ThreadWork);
    this.#cancel = this.#clock.after(LONGEST_MS, () => this.#drop(tooMuch(`more than ${LONGEST_MS / 1_000} s`)));
  }

  #open(): Worker {
    const module = import.meta.url.endsWith(".ts") ? "./document-thread.ts" : "./document-thread.js";
    const thread = new Worker(new URL(module, import.meta.url), { resourceLimits: HEAP });
    thread.unref();
    thread.on("message", (answer: ThreadAnswer) => {
      const job = this.#job;
      if (this.#thread !== thread) return;
      this.#job = undefined;
      if (answer.ok) job?.resolve(answer.result);
      else job?.reject(answer.cause);
      this.#next();
    });
    thread.on("error", (cause) => {
      const isMemory = "code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY";
      if (this.#thread === thread) this.#drop(isMemory ? tooMuch("more memory than one may have") : cause);
    });
    return thread;
  }

  /**
   * Ends the thread, and with it what it is working on; the next piece of work gets another one.
   */
  #drop(why: unknown): void {
    this.#cancel?.();
    void this.#thread?.terminate();
    this.#thread = undefined;
    const job = this.#job;
    this.#job = undefined;
    job?.reject(why);
    if (!this.#isClosed) this.#next();
  }
}

function tooMuch(what: string): RouterError {
  return new RouterError("CONFIG_UNREADABLE", `reading the document takes ${what}`, { hint: "make it smaller" });
}
