import { systemClock } from "../../src/core/clock.ts";
import { pause } from "../pause.ts";

/** What `GET /api/v1/node` says, as far as it is read here. */
export interface NodeView {
  readonly pid: number;
  readonly config: { readonly version: number };
  readonly workers?: readonly WorkerView[];
}

export interface WorkerView {
  readonly id: number | string;
  readonly pid: number;
  readonly connections: number;
  readonly restarts: number;
}

/** `GET /api/v1/ledger`, as far as it is read here. */
export interface LedgerView {
  readonly balanced: boolean;
  readonly entries: readonly {
    readonly received: number;
    readonly delivered: number;
    readonly queued: number;
    readonly lost: Readonly<Record<string, number>>;
    readonly shed: Readonly<Record<string, number>>;
  }[];
}

/** The router's admin API. */
export class Admin {
  readonly #base: string;

  constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}`;
  }

  async node(): Promise<NodeView> {
    return (await this.#get("/api/v1/node")).json() as Promise<NodeView>;
  }

  async ledger(): Promise<LedgerView> {
    return (await this.#get("/api/v1/ledger")).json() as Promise<LedgerView>;
  }

  /** Of all series of a metric together; undefined when there is none. */
  async metric(name: string): Promise<number | undefined> {
    const text = await (await this.#get("/metrics")).text();
    return sumOfSeries(text, name);
  }

  /** Asks until the answer will do. */
  async until(done: (node: NodeView) => boolean, withinMs: number, what: string, everyMs = 50): Promise<NodeView> {
    const endMs = systemClock.nowMs() + withinMs;
    for (;;) {
      const node = await this.node();
      if (done(node)) return node;
      if (systemClock.nowMs() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
      await pause(everyMs);
    }
  }

  async #get(path: string): Promise<Response> {
    const response = await fetch(`${this.#base}${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
    return response;
  }
}

/** In Prometheus' text format. */
export function sumOfSeries(text: string, name: string): number | undefined {
  const values = text
    .split("\n")
    .filter((line) => line.startsWith(name) && /^[{ ]/u.test(line.slice(name.length)))
    .map((line) => Number(/ (\S+)$/u.exec(line)?.[1]));
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}
