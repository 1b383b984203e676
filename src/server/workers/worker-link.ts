import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../core/clock.ts";
import { isInterrupted, reasonOf, RouterError } from "../../core/errors.ts";
import type { ListenerKind } from "../../core/listener-kinds.ts";
import { inPieces } from "./plan-pieces.ts";
import type { CallName, Calls, FromWorker, Question, ToWorker } from "./messages.ts";
import { fromWireError } from "./wire.ts";

/**
 * Why a worker ended. A closed list: label of a metric. `silent`: it did not answer in time, and
 * was killed for it.
 */
const EXIT_REASONS = ["out_of_memory", "crashed", "killed", "silent", "exited"] as const;
export type ExitReason = (typeof EXIT_REASONS)[number];

export interface WorkerExit {
  readonly reason: ExitReason;
  /** Its last words on stderr, or what kept it from starting; empty without any. */
  readonly said: string;
}

interface WorkerLinkOptions {
  readonly clock: Clock;
  /** Of `forkWorker`, in which nothing has happened yet. */
  readonly child: ChildProcess;
  readonly onMessage: (message: Exclude<FromWorker, { readonly kind: "answer" | "failed" }>) => void;
  /** Whole lines of what it writes to stderr: plugins do, and Node when it ends. */
  readonly onSaid: (text: string) => void;
  /** Told once; everything that was asked has failed by then. */
  readonly onExit: (exit: WorkerExit) => void;
}

interface PendingAsk {
  readonly resolve: (value: unknown) => void;
  readonly reject: (cause: Error) => void;
  readonly cancel: Cancel;
}

/** Kept of what it wrote last, so that its end has a reason. A longer line is told in parts. */
const MAX_SAID = 4_096;
/** From its end to that of what it says. */
const SILENT_MS = 500;

/** The main process's end of one worker's process. */
export class WorkerLink {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #asked = new Map<number, PendingAsk>();
  #nextId = 1;
  #said = "";
  /** What it wrote after the last line feed. */
  #unsaid = "";
  readonly #onSaid: (text: string) => void;
  #killedFor: ExitReason | undefined;
  #isGone = false;

  constructor({ clock, child, onMessage, onSaid, onExit }: WorkerLinkOptions) {
    this.#clock = clock;
    this.#onSaid = onSaid;
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    child.on("message", (message) => {
      const told = message as FromWorker; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of the same program
      if (told.kind === "answer") this.#settle(told.id)?.resolve(told.value);
      else if (told.kind === "failed") this.#settle(told.id)?.reject(fromWireError(told.error));
      else onMessage(told);
    });
    const ended = (how: string, reason: ExitReason, said: string): void => {
      if (this.#isGone) return;
      this.#isGone = true;
      const gone = new RouterError("INTERRUPTED", [how, said].filter((part) => part !== "").join(": "));
      for (const id of this.#asked.keys()) this.#settle(id)?.reject(gone);
      this.#hear("\n");
      onExit({ reason: this.#killedFor ?? reason, said });
    };
    child.on("error", (cause) => {
      // It could not be started: nothing else tells.
      if (child.pid === undefined) ended("a worker cannot be started", "crashed", reasonOf(cause));
    });
    child.once("exit", (code, signal) => {
      this.#whenSilent(() => {
        const how = `a worker ended before it answered, by ${signal ?? `its exit with ${code}`}`;
        ended(how, reasonOfExit(code, signal, this.#said), lastLine(this.#said));
      });
    });
  }

  get pid(): number | undefined {
    return this.#isGone ? undefined : this.#child.pid;
  }

  /** Rejects with what the worker says, and with SilentWorker when it says nothing in time. */
  ask<Name extends CallName>(name: Name, args: Calls[Name]["args"], limitMs: number): Promise<Calls[Name]["answer"]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#isGone) return reject(new RouterError("INTERRUPTED", "the worker has ended"));
      const silent = (): void => this.#settle(id)?.reject(new SilentWorker(name, limitMs));
      // A turn later: where this process was held up itself, the answer has come and was not read.
      const late = (): void => void setImmediate(silent);
      this.#asked.set(id, {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the answer to this name
        resolve: (value) => resolve(value as Calls[Name]["answer"]),
        reject,
        cancel: this.#clock.after(limitMs, late),
      });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the arguments of this name
      this.tell({ kind: "ask", id, question: { name, args } as Question });
    });
  }

  /** The socket stays this process's, too, until it is destroyed here. */
  hand(seq: number, listener: ListenerKind, socket: Socket): void {
    this.#child.send({ kind: "connection", seq, listener } satisfies ToWorker, socket, { keepOpen: true }, ignore);
  }

  /** Lost when it has ended. */
  tell(message: ToWorker): void {
    if (!this.#child.connected) return;
    for (const one of message.kind === "ask" ? inPieces(message) : [message]) this.#child.send(one, ignore);
  }

  kill(why: ExitReason): void {
    this.#killedFor ??= why;
    if (this.#child.pid !== undefined) this.#child.kill("SIGKILL");
  }

  /** Lets it go: the process ends by itself. */
  release(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  /**
   * `close` would tell of both, and does not come where connections were sent. A process that a
   * plugin has started may go on to write where its worker wrote: nobody waits for that one.
   */
  #whenSilent(run: () => void): void {
    const { stderr } = this.#child;
    if (stderr === null || stderr.destroyed) return run();
    const cancel = this.#clock.after(SILENT_MS, () => stderr.destroy());
    stderr.once("close", () => {
      cancel();
      run();
    });
  }

  #hear(text: string): void {
    this.#said = `${this.#said}${text}`.slice(-MAX_SAID);
    const all = `${this.#unsaid}${text}`;
    const end = all.length > MAX_SAID ? all.length : all.lastIndexOf("\n");
    this.#unsaid = all.slice(end + 1);
    const lines = all.slice(0, Math.max(0, end)).trimEnd();
    if (lines !== "") this.#onSaid(lines);
  }

  #settle(id: number): PendingAsk | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    asked?.cancel();
    return asked;
  }
}

/** A worker did not answer in time. */
export class SilentWorker extends Error {
  constructor(name: CallName, limitMs: number) {
    super(`a worker did not answer ${name} within ${limitMs / 1_000} s`);
  }
}

/** It says nothing of what was asked for: the worker died over it, or beside it, or hangs. */
export function isPassing(cause: unknown): boolean {
  return cause instanceof SilentWorker || isInterrupted(cause);
}

/** Of what several workers refused something for: what speaks against it goes first. */
export function refusalOf(causes: readonly unknown[]): unknown {
  const [cause] = causes;
  if (!causes.every(isPassing)) return causes.find((one) => !isPassing(one));
  return new RouterError("INTERRUPTED", reasonOf(cause), { cause, hint: "try again: another is started in its place" });
}

function reasonOfExit(code: number | null, signal: NodeJS.Signals | null, said: string): ExitReason {
  if (/heap out of memory|OOM error|allocation failed/iu.test(said)) return "out_of_memory";
  if (signal === "SIGKILL") return "killed";
  return code === 0 ? "exited" : "crashed";
}

function lastLine(said: string): string {
  const lines = said.split("\n").filter((line) => /^\S*(?:Error|FATAL)/u.test(line.trim()));
  return lines.at(-1)?.trim().slice(0, 256) ?? "";
}

function ignore(): void {}
