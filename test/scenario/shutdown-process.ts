import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { envOfRun } from "../support/env-of-run.ts";
import { completeConfig } from "../support/node.ts";
import type { Sink } from "../support/sinks/sink.ts";

const BIN = fileURLToPath(new URL("../../bin/signalbox.js", import.meta.url));

type Line = Record<string, unknown>;

/** `signalbox run` as a process of its own, with its log. */
export class NodeProcess implements AsyncDisposable {
  readonly lines: Line[] = [];
  /** What was written to stderr and is no line of the log. */
  readonly strayLines: string[] = [];
  /** The exit code; when it was killed, by what, and what it said last. */
  readonly ended: Promise<number | string>;
  readonly #directory = mkdtempSync(join(tmpdir(), "signalbox-shutdown-"));
  readonly #child: ChildProcessByStdio<null, null, Readable>;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  private constructor(text: string) {
    const file = join(this.#directory, "signalbox.yaml");
    writeFileSync(file, text);
    this.#child = spawn(process.execPath, [BIN, "run", "-c", file], {
      cwd: this.#directory,
      stdio: ["ignore", "ignore", "pipe"],
      env: envOfRun(),
    });
    createInterface({ input: this.#child.stderr }).on("line", (line) => {
      if (line.startsWith("{")) this.lines.push(JSON.parse(line) as Line);
      else this.strayLines.push(line);
      for (const ask of this.#waiting) ask();
    });
    this.ended = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => {
        this.#closed = true;
        for (const ask of this.#waiting) ask();
        resolve(code ?? [signal, ...this.strayLines, JSON.stringify(this.lines.at(-1))].join("\n"));
      });
    });
  }

  /** Starts it on the config, completed as for a node in this process; resolves when it listens. */
  static async start(config: string, sinks: Readonly<Record<string, Sink>>): Promise<NodeProcess> {
    const node = new NodeProcess(completeConfig(config, sinks));
    await node.logged("signalbox listens");
    return node;
  }

  /** `host:port` of a listener: otlp_grpc, otlp_http or admin. */
  address(listener: string): string {
    return String(this.lines.find(({ msg }) => msg === "signalbox listens")?.[listener]);
  }

  /** The first line with this message, once it is there. */
  async logged(message: string): Promise<Line> {
    const { promise, resolve, reject } = Promise.withResolvers<Line>();
    const ask = (): void => {
      const line = this.lines.find(({ msg }) => msg === message);
      if (line !== undefined) resolve(line);
      else if (this.#closed) reject(new Error(`ended without "${message}":\n${JSON.stringify(this.lines)}`));
    };
    this.#waiting.add(ask);
    ask();
    const line = await promise;
    this.#waiting.delete(ask);
    return line;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
