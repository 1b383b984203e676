import type { Cancel, Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import {
  type DocumentHelper,
  type HelperAnswer,
  type HelperKind,
  type HelperWork,
  openHelper,
  tooMuch,
} from "./document-helper.ts";

/** One document may take this long: the largest, of 16 MiB, take a tenth of it. */
const LONGEST_MS = 120_000;
/**
 * A helper that has had nothing to do for this long gives its memory back: after a large document
 * that is several times what all else of the process has. Another one is there in a moment.
 */
const IDLE_MS = 2_000;

interface Job {
  readonly work: HelperWork;
  readonly kind: HelperKind;
  readonly resolve: (result: unknown) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * One thread, or process for what is large, that reads documents, one after the other: however many
 * want it, it takes the memory and the processor of one. It is there from the first piece of work
 * on, and lets the process end. A document that is too much for it costs that document only.
 */
export class DocumentWorker implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #waiting: Job[] = [];
  #helper: DocumentHelper | undefined;
  #job: Job | undefined;
  #cancel: Cancel | undefined;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Rejects with what the work throws, and with CONFIG_UNREADABLE when it is too much for a helper.
   * `first`: before all that waits.
   */
  run(work: HelperWork, kind: HelperKind, first: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new RouterError("SHUTDOWN", "the node stops"));
      const job = { work, kind, resolve, reject };
      if (first) this.#waiting.unshift(job);
      else this.#waiting.push(job);
      this.#next();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const helper = this.#helper;
    const ended = new RouterError("SHUTDOWN", "the node stops");
    this.#drop(ended);
    for (const job of this.#waiting.splice(0)) job.reject(ended);
    await helper?.end();
  }

  #next(): void {
    if (this.#job !== undefined) return;
    this.#cancel?.();
    this.#job = this.#waiting.shift();
    if (this.#job === undefined) {
      if (this.#helper !== undefined) this.#cancel = this.#clock.after(IDLE_MS, () => this.#drop(undefined));
      return;
    }
    const { work, kind } = this.#job;
    this.#helperOf(kind).send(work);
    this.#cancel = this.#clock.after(LONGEST_MS, () => this.#drop(tooMuch(`more than ${LONGEST_MS / 1_000} s`)));
  }

  /** A process does what is short as well. */
  #helperOf(kind: HelperKind): DocumentHelper {
    const there = this.#helper;
    if (there !== undefined && (there.kind === kind || there.kind === "process")) return there;
    void there?.end();
    const helper = openHelper(kind, {
      answered: (answer) => this.#answered(helper, answer),
      failed: (cause) => {
        if (this.#helper === helper) this.#drop(cause);
      },
    });
    this.#helper = helper;
    return helper;
  }

  #answered(helper: DocumentHelper, answer: HelperAnswer): void {
    const job = this.#job;
    if (this.#helper !== helper) return;
    this.#job = undefined;
    if (answer.ok) job?.resolve(answer.result);
    else job?.reject(answer.cause);
    this.#next();
  }

  /**
   * Ends the helper, and with it what it is working on; the next piece of work gets another one.
   */
  #drop(why: unknown): void {
    this.#cancel?.();
    void this.#helper?.end();
    this.#helper = undefined;
    const job = this.#job;
    this.#job = undefined;
    job?.reject(why);
    if (!this.#isClosed) this.#next();
  }
}
