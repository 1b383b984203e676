import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { envOfRun } from "../env-of-run.ts";

const BIN = fileURLToPath(new URL("../../../bin/signalbox.js", import.meta.url));

type LogLine = Readonly<Record<string, unknown>>;

/** None is left behind, stopped or not, whatever ends the tests. */
const running = new Set<ChildProcessByStdio<null, null, Readable>>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** `signalbox run` of a node of a fleet, which may be killed, stand still, and start again. */
export class FleetNodeProcess implements AsyncDisposable {
  readonly id: string;
  /** Of its newest start. */
  lines: LogLine[] = [];
  readonly #file: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #waiting = new Set<() => void>();
  #child: ChildProcessByStdio<null, null, Readable> | undefined;
  #stray = "";

  /** `file`: its config; `env`: beside what this process has. */
  constructor(id: string, file: string, env: Readonly<Record<string, string>>) {
    this.id = id;
    this.#file = file;
    this.#env = env;
  }

  /** With all that it has on disk. Resolves when it listens. */
  async start(): Promise<this> {
    this.lines = [];
    const child = spawn(process.execPath, [BIN, "run", "-c", this.#file], {
      stdio: ["ignore", "ignore", "pipe"],
      env: envOfRun(this.#env),
    });
    this.#child = child;
    running.add(child);
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (line.startsWith("{")) this.lines.push(JSON.parse(line) as LogLine);
      else this.#stray += `${line}\n`;
      for (const ask of this.#waiting) ask();
    });
    child.once("close", () => {
      running.delete(child);
      if (this.#child === child) this.#child = undefined;
      for (const ask of this.#waiting) ask();
    });
    await this.logged(({ msg }) => msg === "signalbox listens");
    return this;
  }

  get grpc(): string {
    return this.#address("otlp_grpc");
  }

  get admin(): string {
    return this.#address("admin");
  }

  /** The first line of its newest start that fits, once it is there. */
  async logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const ask = (): void => {
      const line = this.lines.find(fits);
      if (line !== undefined) resolve(line);
      else if (this.#child === undefined) reject(new Error(`${this.id} ended:\n${this.#stray}${this.#told()}`));
    };
    this.#waiting.add(ask);
    ask();
    try {
      return await promise;
    } finally {
      this.#waiting.delete(ask);
    }
  }

  /** It stands still, with its connections open. */
  stop(): void {
    this.#child?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child?.kill("SIGCONT");
  }

  /** As when its machine loses its power. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, "close");
    child.kill("SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #address(listener: string): string {
    return String(this.lines.find(({ msg }) => msg === "signalbox listens")?.[listener]);
  }

  #told(): string {
    return this.lines.map((line) => JSON.stringify(line)).join("\n");
  }
}
