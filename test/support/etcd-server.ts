import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { findProgram, searchPath } from "../set-up/programs.ts";
import { freePorts } from "./free-port.ts";
import { ALWAYS_ON_DISK, makeQuickFolder } from "./quick-folder.ts";

export interface EtcdServerOptions {
  /** Default: the machine's own. */
  readonly program?: string;
  readonly members?: 1 | 3;
  /** More arguments, for each member. */
  readonly flags?: readonly string[];
  /** Of the clients' side; default `http`. */
  readonly scheme?: "http" | "https";
  /** Its data is on disk, however slow that is; for who measures it. */
  readonly isOnDisk?: boolean;
}

/**
 * What a member may take: its log of writes begins with two files of 64 MiB. Four may be beside.
 */
const MEMBER_BYTES = 4 * 268_435_456;

/** A real etcd of one or three members on loopback, with data in a temporary folder. */
export class EtcdServer implements AsyncDisposable {
  readonly members: readonly EtcdMember[];
  readonly #folder: string;

  private constructor(members: readonly EtcdMember[], folder: string) {
    this.members = members;
    this.#folder = folder;
  }

  /** Answers when it takes clients. */
  static async open(options: EtcdServerOptions = {}): Promise<EtcdServer> {
    for (let tries = 3; ; tries--) {
      const server = await EtcdServer.#prepare(options);
      try {
        await Promise.all(server.members.map((member) => member.start()));
        return server;
      } catch (cause) {
        await server[Symbol.asyncDispose]();
        const isTaken = cause instanceof Error && cause.message.includes("address already in use");
        if (!isTaken || tries <= 1) throw cause;
      }
    }
  }

  static async #prepare({
    program = "etcd",
    members = 1,
    flags = [],
    scheme = "http",
    isOnDisk = false,
  }: EtcdServerOptions): Promise<EtcdServer> {
    const file = findProgram(program, searchPath());
    if (file === undefined) throw new Error(`${program} is not there`);
    const folder = makeQuickFolder("signalbox-etcd-", isOnDisk ? ALWAYS_ON_DISK : members * MEMBER_BYTES);
    const ports = await freePorts(2 * members);
    const peers = Array.from({ length: members }, (_, i) => `http://127.0.0.1:${ports[2 * i + 1]!}`);
    const cluster = peers.map((url, i) => `m${i}=${url}`).join(",");
    const all = peers.map((peer, i) => {
      const client = `${scheme}://127.0.0.1:${ports[2 * i]!}`;
      const args = ["--name", `m${i}`, "--initial-cluster", cluster, "--initial-cluster-token", "signalbox-tests"];
      args.push("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer);
      args.push("--listen-client-urls", client, "--advertise-client-urls", client, ...flags);
      return new EtcdMember(file, args, client, join(folder, `m${i}`));
    });
    return new EtcdServer(all, folder);
  }

  get endpoints(): readonly string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** The one member of a server that has no other. */
  get only(): EtcdMember {
    return this.members[0]!;
  }

  /** Who leads the others, once they have agreed on one. */
  async leader(): Promise<EtcdMember> {
    for (;;) {
      for (const member of this.members) if (await member.isLeader()) return member;
    }
  }

  /** All data goes, and it starts again as if it had never been there. */
  async wipe(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    await Promise.all(this.members.map((member) => member.wipe()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One process of etcd. */
export class EtcdMember {
  readonly endpoint: string;
  readonly #file: string;
  readonly #args: readonly string[];
  readonly #data: string;
  #child: ChildProcess | undefined;

  constructor(file: string, args: readonly string[], endpoint: string, data: string) {
    this.#file = file;
    this.#args = args;
    this.endpoint = endpoint;
    this.#data = data;
  }

  get port(): number {
    return Number(new URL(this.endpoint).port);
  }

  /** Of its process; 0 while there is none. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async isLeader(): Promise<boolean> {
    const metrics = await fetch(`${this.endpoint}/metrics`);
    return /^etcd_server_is_leader 1$/mu.test(await metrics.text());
  }

  /** With the data that it had. */
  async start(): Promise<void> {
    const child = spawn(this.#file, [...this.#args, "--data-dir", this.#data], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    RUNNING.add(child);
    child.once("exit", () => RUNNING.delete(child));
    await isReady(child);
  }

  /** Its data goes; it starts again as if it had never been there. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
    await this.start();
  }

  /** It stands still, with its connections open. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}

/** They do not outlive a test that ends without its disposals. */
const RUNNING = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of RUNNING) child.kill("SIGKILL");
});

function isReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-16_384);
      if (/ready to serve|serving (?:insecure )?client/u.test(said)) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`etcd ended:\n${said}`)));
  });
}
