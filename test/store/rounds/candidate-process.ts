import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { BLOCK, type CandidateTask, type Line, readLine, WAKING_FD } from "./candidate-protocol.ts";

const PROGRAM = fileURLToPath(new URL("candidate.ts", import.meta.url));
/** Of what a process said before it ended by itself. */
const TAIL = 2_000;

/** None is left behind, stopped or not, whatever ends the tests. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A candidate in a process of its own. */
export class CandidateProcess {
  readonly id: string;
  /** Resolves when it has ended, and all that it told was read. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #isKilled = false;
  #complaints = "";

  constructor(task: CandidateTask, onLine: (line: Line) => void, onDeath: (why: string) => void) {
    this.id = task.id;
    this.#child = spawn(process.execPath, [PROGRAM, JSON.stringify(task)], { stdio: ["pipe", "pipe", "pipe", "pipe"] });
    running.add(this.#child);
    const { stdout, stderr, stdin } = this.#child;
    stdin?.on("error", () => undefined);
    stderr?.setEncoding("utf8").on("data", (text) => {
      this.#complaints = `${this.#complaints}${String(text)}`.slice(-TAIL);
    });
    if (stdout !== null) createInterface(stdout).on("line", (text) => tellOf(text, onLine));
    this.ended = this.#untilEnded(onDeath);
  }

  stand(scope: string): void {
    this.#child.stdin?.write(`${scope}\n`);
  }

  async kill(): Promise<void> {
    this.#isKilled = true;
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  stop(): void {
    this.#child.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child.kill("SIGCONT");
  }

  block(): void {
    this.#child.stdin?.write(`${BLOCK}\n`);
  }

  unblock(): void {
    const waking = this.#child.stdio[WAKING_FD] as Writable;
    waking.write("!");
  }

  async #untilEnded(onDeath: (why: string) => void): Promise<void> {
    await once(this.#child, "close");
    running.delete(this.#child);
    if (!this.#isKilled) onDeath(`${this.id} ended by itself: ${this.#complaints}`);
  }
}

/** The last line of a process that was killed may be half a one. */
function tellOf(text: string, onLine: (line: Line) => void): void {
  if (text.startsWith("{") && text.endsWith("}")) onLine(readLine(text));
}
