import { stat } from "node:fs/promises";
import type { Cancel, Clock } from "../core/clock.ts";

export interface RenewalOptions {
  readonly clock: Clock;
  /** The files to look at; asked before each look. */
  readonly files: () => readonly string[];
  /** Some were renewed, and have been left alone since. Must not reject. */
  readonly renewed: () => Promise<void>;
  /** They are looked at this often. */
  readonly pollMs?: number;
}

const POLL_MS = 10_000;
/** A file that changed is looked at again after this: whoever renews several may not be done. */
const SETTLE_MS = 1_000;

/**
 * Looks at files that a config was read from, and tells when they were renewed in place: by a write, a rename, or the swap of a
 * symlink (Kubernetes). What a file system tells of changes is not used: secrets are often mounted where nothing is told.
 */
export function watchRenewals(options: RenewalOptions): AsyncDisposable {
  const watch = new Renewals(options);
  watch.start();
  return watch;
}

class Renewals implements AsyncDisposable {
  readonly #options: RenewalOptions;
  /** As far as stat tells, when they were last taken over. */
  #taken = new Map<string, string>();
  /** At the last look. */
  #seen = new Map<string, string>();
  #timer: Cancel = () => undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  start(): void {
    this.#looking = this.#begin();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer();
    await this.#looking;
  }

  async #begin(): Promise<void> {
    this.#taken = this.#seen = await statesOf(this.#options.files());
    this.#schedule(false);
  }

  #schedule(soon: boolean): void {
    if (this.#closed) return;
    const { clock, pollMs = POLL_MS } = this.#options;
    this.#timer = clock.after(soon ? Math.min(SETTLE_MS, pollMs) : pollMs, () => {
      this.#looking = this.#look();
    });
  }

  async #look(): Promise<void> {
    const before = this.#seen;
    this.#seen = await statesOf(this.#options.files());
    const changed = [...this.#seen].some(([file, state]) => state !== (this.#taken.get(file) ?? state));
    const settled = [...this.#seen].every(([file, state]) => state === (before.get(file) ?? state));
    if (!changed || !settled || this.#closed) {
      for (const [file, state] of this.#seen) if (!this.#taken.has(file)) this.#taken.set(file, state);
      return this.#schedule(changed);
    }
    this.#taken = this.#seen;
    await this.#options.renewed();
    this.#schedule(false);
  }
}

async function statesOf(files: readonly string[]): Promise<Map<string, string>> {
  return new Map(await Promise.all(files.map(async (file) => [file, await stateOf(file)] as const)));
}

/** Changes whenever the content may have changed; empty while there is no such file. */
async function stateOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch {
    return "";
  }
}
