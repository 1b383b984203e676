import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { findProgram } from "../../set-up/programs.ts";
import { freePorts } from "../../support/free-port.ts";
import { TestFolder } from "../folder.ts";

/** What is inside `http { }`, for a server that listens on the port. Files are in `folder`. */
export type HttpConfig = (port: number, folder: TestFolder) => string;

/** How often another port is tried when somebody else took the free one. */
const TRIES = 5;
/** Only so that a test that would wait for ever says what it saw. */
const PATIENCE_MS = 20_000;
const WORKER_BEGINS = "start worker process ";
const WORKER_ENDS = / exited with code 0$/gmu;

/** Starts an nginx of its own on a free port, or on the given one. */
export async function startNginx(config: HttpConfig, port?: number): Promise<Nginx> {
  const folder = new TestFolder();
  let said = "";
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const nginx = new Nginx(port ?? (await freePorts(1))[0]!, config, folder);
    if (await nginx.begun()) return nginx;
    said = nginx.said;
    if (!said.includes("Address already in use")) break;
  }
  folder[Symbol.dispose]();
  throw new Error(`nginx did not start:\n${said}`);
}

/** One worker, its files in a temporary folder, everything that it says in `said`. */
export class Nginx implements AsyncDisposable {
  readonly port: number;
  readonly #folder: TestFolder;
  readonly #child: ChildProcessByStdio<null, null, Readable>;
  readonly #closed: Promise<unknown>;
  #said = "";

  constructor(port: number, config: HttpConfig, folder: TestFolder) {
    const file = folder.write("nginx.conf", wholeConfig(config(port, folder), folder.path));
    const args = ["-p", folder.path, "-c", file, "-e", "stderr"];
    this.port = port;
    this.#folder = folder;
    this.#child = spawn(findProgram("nginx") ?? "nginx", args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#closed = once(this.#child, "close");
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get said(): string {
    return this.#said;
  }

  /** Lines that the config's access_log wrote to a file of this name. */
  lines(name: string): string[] {
    const file = join(this.#folder.path, name);
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  /** Resolves with true when it takes connections, with false when it ended instead. */
  begun(): Promise<boolean> {
    return this.#until(() => this.#workers() > 0);
  }

  /**
   * Takes its config over anew: resolves when the new worker takes connections; the old one ends
   * what is under way.
   */
  async reload(): Promise<void> {
    const before = this.#workers();
    this.#child.kill("SIGHUP");
    if (!(await this.#until(() => this.#workers() > before))) throw new Error(`nginx ended:\n${this.#said}`);
  }

  /** Resolves when all workers but the newest have ended what they had, and themselves. */
  async oldWorkersGone(): Promise<void> {
    await this.#until(() => (this.#said.match(WORKER_ENDS)?.length ?? 0) >= this.#workers() - 1);
  }

  /** As `nginx -s stop`: connections are cut. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#folder[Symbol.dispose]();
  }

  #workers(): number {
    return this.#said.split(WORKER_BEGINS).length - 1;
  }

  /** False when it ended first. */
  async #until(holds: () => boolean): Promise<boolean> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    const ended = this.#closed.then(() => "ended" as const);
    while (!holds()) {
      const next = await Promise.race([ended, once(this.#child.stderr, "data", { signal: late })]);
      if (next === "ended") return holds();
    }
    return true;
  }
}

function wholeConfig(http: string, folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${join(folder, name)};`,
  );
  return `daemon off;
master_process on;
worker_processes 1;
error_log stderr notice;
pid ${join(folder, "nginx.pid")};
worker_rlimit_nofile 10000;
events { worker_connections 8192; }
http {
  access_log off;
  client_max_body_size 64m;
  client_body_buffer_size 1m;
${temporary.join("\n")}
${http}
}
`;
}
