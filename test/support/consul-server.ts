import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Agent, request } from "undici";
import type { ConsulSettings, StoreTls } from "../../src/store/store.ts";
import { TestFolder } from "../peers/folder.ts";
import { findProgram, versionOf } from "../set-up/programs.ts";
import { ALWAYS_ON_DISK, makeQuickFolder } from "./quick-folder.ts";
import { freePorts } from "./free-port.ts";

export interface ConsulServerOptions {
  /** HTTPS with this certificate; `clients`: only for those who show one of the authority's. */
  readonly tls?: ConsulServerTls;
  /** The token that may do anything; without one ACLs are off. */
  readonly manager?: string;
  /** Its data is on disk, however slow that is; for who measures it. */
  readonly isOnDisk?: boolean;
  /** One of several servers; without it the only one. */
  readonly member?: ConsulMember;
}

export interface ConsulMember {
  readonly name: string;
  readonly ports: ConsulPorts;
  readonly others: readonly ConsulPorts[];
}

export interface ConsulPorts {
  readonly api: number;
  readonly serf: number;
  readonly server: number;
}

export interface ConsulServerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly clients?: { readonly cert: string; readonly key: string };
}

const RUNNING = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of RUNNING) child.kill("SIGKILL");
});

/**
 * A real Consul server, alone, on loopback, with its data in a folder of its own. It is gone with
 * this process at the latest.
 */
export class ConsulServer implements AsyncDisposable {
  readonly ports: ConsulPorts;
  readonly #options: ConsulServerOptions;
  readonly #folder = new TestFolder();
  readonly #data: string;
  readonly #operator: Agent;
  #generation = 0;
  #child: ChildProcess | undefined;
  #said = "";

  constructor(ports: ConsulPorts, options: ConsulServerOptions) {
    this.ports = ports;
    this.#options = options;
    this.#data = makeQuickFolder("signalbox-consul-", options.isOnDisk === true ? ALWAYS_ON_DISK : undefined);
    const { tls } = options;
    this.#operator = new Agent({ connect: tls === undefined ? {} : { ca: tls.ca, ...tls.clients } });
  }

  static async open(options: ConsulServerOptions = {}): Promise<ConsulServer> {
    const server = new ConsulServer(await freeConsulPorts(), options);
    try {
      await server.start();
      return server;
    } catch (cause) {
      await server[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /** Resolves when its node can have sessions: of several servers, when they have a leader. */
  async start(): Promise<void> {
    if (!(await this.#begun())) throw new Error(`consul did not start:\n${this.#said}`);
  }

  get port(): number {
    return this.ports.api;
  }

  /** Of its process; 0 while there is none. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get url(): string {
    return `${this.#options.tls === undefined ? "http" : "https"}://127.0.0.1:${this.port}`;
  }

  /** As somebody who may do anything. */
  get settings(): ConsulSettings {
    const { tls, manager } = this.#options;
    const trust: StoreTls | undefined = tls && { ca: tls.ca, ...tls.clients };
    return { kind: "consul", endpoints: [this.url], tls: trust, token: manager };
  }

  /** As when its machine loses its power. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** Stands still until it is resumed; its connections stay, and new ones are taken. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** With all that it had, at the same place. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** With nothing of what it had, at the same place, under the same name. */
  async wipe(): Promise<void> {
    this.#generation++;
    await this.restart();
  }

  /** What an operator asks for, who may do anything. */
  async ask(method: "GET" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> {
    const { manager } = this.#options;
    const answer = await request(`${this.url}/v1/${path}`, {
      method,
      dispatcher: this.#operator,
      ...(manager !== undefined && { headers: { "x-consul-token": manager } }),
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return `HTTP ${answer.statusCode}: ${text}`;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.kill(), this.#operator.destroy()]);
    this.#folder[Symbol.dispose]();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** Resolves with true when its node can have sessions, with false when it ended instead. */
  #begun(): Promise<boolean> {
    const file = this.#folder.write("agent.json", JSON.stringify(this.#config()));
    const child = spawn(findProgram("consul") ?? "consul", ["agent", `-config-file=${file}`], { stdio: "pipe" });
    this.#child = child;
    this.#said = "";
    RUNNING.add(child);
    return new Promise((resolve) => {
      const listen = (text: string): void => {
        this.#said = (this.#said + text).slice(-20_000);
        if (this.#said.includes("Synced node info")) resolve(true);
      };
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", listen);
      child.once("error", () => resolve(false));
      child.once("exit", () => {
        RUNNING.delete(child);
        resolve(false);
      });
    });
  }

  #config(): Record<string, unknown> {
    const { tls, manager, member } = this.#options;
    const { api, serf, server } = this.ports;
    const joined = member?.others.map((other) => `127.0.0.1:${other.serf}`) ?? [];
    const off = { dns: -1, grpc: -1, serf_wan: -1, http: -1, https: -1 };
    return {
      server: true,
      bootstrap_expect: 1 + joined.length,
      node_name: member?.name ?? "tests",
      retry_join: joined,
      retry_interval: "1s",
      data_dir: join(this.#data, String(this.#generation)),
      bind_addr: "127.0.0.1",
      client_addr: "127.0.0.1",
      ports: { ...off, [tls === undefined ? "http" : "https"]: api, serf_lan: serf, server },
      performance: { raft_multiplier: 1 },
      disable_update_check: true,
      ...(manager !== undefined && { acl: aclOf(manager) }),
      ...(tls !== undefined && this.#tlsOf(tls)),
    };
  }

  #tlsOf({ ca, cert, key, clients }: ConsulServerTls): Record<string, unknown> {
    return {
      ca_file: this.#folder.write("ca.pem", ca),
      cert_file: this.#folder.write("cert.pem", cert),
      key_file: this.#folder.write("key.pem", key),
      verify_incoming_https: clients !== undefined,
    };
  }
}

function aclOf(manager: string): Record<string, unknown> {
  const [major = 0, minor = 0] = versionOf("consul").split(".").map(Number);
  const key = major > 1 || minor >= 11 ? "initial_management" : "master";
  return { enabled: true, default_policy: "deny", tokens: { [key]: manager, agent: manager } };
}

export async function freeConsulPorts(): Promise<ConsulPorts> {
  const [api, serf, server] = await freePorts(3);
  return { api: api!, serf: serf!, server: server! };
}
