import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../src/core/clock.ts";
import type { EmbeddedSettings, StoreSettings } from "../../../src/store/store.ts";
import { type Ran, runCli } from "../../cli/run-cli.ts";
import { completeConfig, startTestNode, type TestNode } from "../node.ts";
import { PATIENCE_MS } from "../patience.ts";
import { makeQuickFolder } from "../quick-folder.ts";
import { FleetNodeProcess } from "./fleet-node-process.ts";

export interface RealNode {
  readonly id: string;
  readonly region: string;
  /** Default: both. */
  readonly roles?: readonly string[];
  /** Of `node.fleet`, beside what is short so that tests need not wait. */
  readonly fleet?: Readonly<Record<string, unknown>>;
  /** What the store knows it by, instead of what publishes. */
  readonly credentials?: StoreCredentials;
  /** Of `node`. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** What references of its config are read from. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What of `node.coordination` says who somebody is. */
export type StoreCredentials = Readonly<Record<string, string>>;

/** A document of the fleet, without `node`. */
export type FleetDoc = Readonly<Record<string, unknown>>;

export const BOTH_ROLES = ["collector", "controller"] as const;

/**
 * A fleet of whole nodes over a real store, below a prefix of its own; a fleet's config is
 * published by `signalbox config apply`.
 */
export class RealFleet implements AsyncDisposable {
  /** A node leads nothing before what it remembers of its fleet is safe on disk. */
  readonly folder = makeQuickFolder("signalbox-real-fleet-");
  readonly #coordination: Readonly<Record<string, unknown>>;
  readonly #lease: string | undefined;
  readonly #nodes: AsyncDisposable[] = [];

  /** `lease`: of elections, where it is not the usual one. */
  constructor(
    settings: Exclude<StoreSettings, EmbeddedSettings>,
    prefix: string,
    { lease, operator = {} }: { readonly lease?: string; readonly operator?: StoreCredentials } = {},
  ) {
    this.#coordination = { type: settings.kind, endpoints: settings.endpoints, prefix, ...operator };
    this.#lease = lease;
  }

  /** The file of what was published last. */
  get document(): string {
    return join(this.folder, "fleet.yaml");
  }

  /** Where the store is, for somebody. */
  coordinationOf(credentials: StoreCredentials): Readonly<Record<string, unknown>> {
    return { ...this.#coordination, ...credentials };
  }

  /** In a process of its own. */
  async process(node: RealNode): Promise<FleetNodeProcess> {
    const process = new FleetNodeProcess(node.id, this.#file(node), node.env ?? {});
    this.#nodes.push(process);
    return process.start();
  }

  /** In this process; `clock`: instead of the machine's. */
  async inProcess(node: RealNode, clock?: Clock): Promise<TestNode> {
    const file = join(this.folder, `${node.id}.yaml`);
    const more = { ...(node.env && { env: node.env }), ...(clock && { clock }), workers: 0 };
    const started = await startTestNode(this.#configOf(node), { file, ...more });
    this.#nodes.push(started);
    return started;
  }

  /** Publishes it in the store, or by a node where `args` name one. */
  async apply(document: FleetDoc, ...args: readonly string[]): Promise<Ran> {
    const file = this.document;
    writeFileSync(file, JSON.stringify({ node: { coordination: this.#coordination }, ...document }));
    return this.cli("config", "apply", file, ...args);
  }

  /** Likewise, and it is to succeed. */
  async publish(document: FleetDoc, ...args: readonly string[]): Promise<void> {
    const { code, err } = await this.apply(document, ...args);
    assert.equal(code, 0, err);
  }

  /** A command, which waits for its answer for as long as its test does. */
  cli(...argv: readonly string[]): Promise<Ran> {
    return runCli([...argv, "--timeout", `${PATIENCE_MS}ms`], { cwd: this.folder, env: { USER: "ann" } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(node: RealNode): string {
    const file = join(this.folder, `${node.id}.yaml`);
    writeFileSync(file, completeConfig(this.#configOf(node), {}, 0));
    return file;
  }

  #configOf({ id, region, roles = BOTH_ROLES, credentials = {}, fleet = {}, more = {} }: RealNode): FleetDoc {
    const node = {
      id,
      region,
      roles,
      data_dir: join(this.folder, id),
      coordination: this.coordinationOf(credentials),
      fleet: {
        report_interval: "1s",
        listen: { address: "127.0.0.1:0" },
        ...(this.#lease !== undefined && { lease: this.#lease }),
        ...fleet,
      },
      ...more,
    };
    return { node };
  }
}
