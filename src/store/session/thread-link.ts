import { Worker } from "node:worker_threads";
import { reasonOf } from "../../core/errors.ts";
import type { FromRenewal } from "./messages.ts";
import type { RenewalLink, RenewalListener } from "./renewal-link.ts";

/** What the thread tells: for a store. */
export interface ThreadMessage {
  readonly store: number;
  readonly message: FromRenewal;
}

const HEAP_MB = 128;
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./renewal-thread.ts" : "./renewal-thread.js", import.meta.url);

/** The one thread of this process that renews, while a store has it. */
let current: RenewalThread | undefined;

/** Joins the thread that renews the sessions of all stores of this process, or starts it. */
export function linkToThread(store: number, listener: RenewalListener): RenewalLink {
  current ??= new RenewalThread(() => {
    current = undefined;
  });
  return current.join(store, listener);
}

/**
 * The thread gets the flags of this process; but none starts with `--input-type`, which is for a
 * program that comes as text. Then it gets those of how TLS speaks; others are of the process.
 */
function flagsOf(execArgv: readonly string[]): { execArgv?: string[] } {
  if (!execArgv.some((flag) => flag.startsWith("--input-type"))) return {};
  return { execArgv: execArgv.filter((flag) => /^--(?:use-system-ca|tls-(?:min|max)-v1\.[0-3])$/u.test(flag)) };
}

class RenewalThread {
  readonly #worker: Worker;
  readonly #listeners = new Map<number, RenewalListener>();
  readonly #over: () => void;

  constructor(over: () => void) {
    this.#over = over;
    const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB };
    this.#worker = new Worker(ENTRY, { name: "leases", resourceLimits, ...flagsOf(process.execArgv) });
    this.#worker.unref(); // the sessions' own timers keep the process
    this.#worker.on("message", ({ store, message }: ThreadMessage) => this.#listeners.get(store)?.receive(message));
    this.#worker.on("error", (cause) => this.#died(reasonOf(cause)));
    this.#worker.on("exit", (code) => this.#died(`it ended with ${code}`));
  }

  join(store: number, listener: RenewalListener): RenewalLink {
    this.#listeners.set(store, listener);
    return {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      send: (message) => this.#worker.postMessage(message),
      [Symbol.asyncDispose]: () => this.#leave(store),
    };
  }

  async #leave(store: number): Promise<void> {
    if (!this.#listeners.delete(store) || this.#listeners.size > 0) return;
    this.#over();
    await this.#worker.terminate();
  }

  #died(reason: string): void {
    const listeners = [...this.#listeners.values()];
    if (listeners.length === 0) return;
    this.#listeners.clear();
    this.#over();
    for (const listener of listeners) listener.died(reason);
  }
}
