import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { PATIENCE_MS } from "../support/patience.ts";

export const BIN = fileURLToPath(new URL("../../bin/signalbox.js", import.meta.url));

/** A child process whose output is gathered while it runs. */
export class DemoProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  out = "";
  err = "";

  constructor(
    command: string,
    args: readonly string[],
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ) {
    this.#child = spawn(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    this.#closed = once(this.#child, "close");
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.out += text;
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
    });
    this.#child.stdin.on("error", () => {}); // it has ended: that shows in its exit code
  }

  /**
   * Resolves when `test` holds for the output so far. Rejects when it ended without, or took too
   * long.
   */
  async shown(what: (out: string) => boolean): Promise<void> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    const ended = this.#closed.then(() => "ended" as const);
    while (!what(this.out)) {
      const next = await Promise.race([ended, once(this.#child.stdout, "data", { signal: late })]);
      if (next === "ended" && !what(this.out)) throw new Error(`it ended too early:\n${this.out}${this.err}`);
    }
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }
}
