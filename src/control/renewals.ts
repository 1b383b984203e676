import { readFile, stat } from "node:fs/promises";
import type { FileRead } from "../config/files-read.ts";
import type { Cancel, Clock } from "../core/clock.ts";

interface RenewalOptions {
  readonly clock: Clock;
  /** The files to look at; asked before each poll. */
  readonly files: () => readonly FileRead[];
  /**
   * Some were renewed, and have been left alone since. False: to be told again at the next poll.
   * Must not reject.
   */
  readonly renewed: () => Promise<boolean>;
  /** They are looked at this often. */
  readonly pollMs?: number;
}

const POLL_MS = 10_000;
/** A file that changed is looked at again after this: whoever renews several may not be done. */
const SETTLE_MS = 1_000;

/**
 * Looks at files that a config was read from, and tells when they were renewed in place: by a
 * write, a rename, or the swap of a symlink (Kubernetes). What a file system tells of changes is
 * not used: secrets are often mounted where nothing is told.
 */
export function watchRenewals(options: RenewalOptions): AsyncDisposable {
  const watch = new Renewals(options);
  watch.start();
  return watch;
}

class Renewals implements AsyncDisposable {
  readonly #options: RenewalOptions;
  /** As far as stat tells, when they were last applied. */
  #taken = new Map<string, string>();
  /** At the last poll. */
  #seen = new Map<string, string>();
  #timer: Cancel = () => undefined;
  #polling: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  start(): void {
    this.#polling = this.#begin();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer();
    await this.#polling;
  }

  async #begin(): Promise<void> {
    await this.#see();
    this.#schedule(false);
  }

  /**
   * Looks at all of them. One that is met for the first time may have been renewed since it was
   * read.
   */
  async #see(): Promise<void> {
    const files = this.#options.files();
    this.#seen = await statesOf(files);
    for (const { file, text } of files) {
      if (this.#taken.has(file)) continue;
      const isOld = text !== undefined && (await textOf(file)) !== text.reveal();
      this.#taken.set(file, isOld ? OLD : this.#seen.get(file)!);
    }
  }

  #schedule(soon: boolean): void {
    if (this.#closed) return;
    const { clock, pollMs = POLL_MS } = this.#options;
    this.#timer = clock.after(soon ? Math.min(SETTLE_MS, pollMs) : pollMs, () => {
      this.#polling = this.#poll();
    });
  }

  async #poll(): Promise<void> {
    const before = this.#seen;
    await this.#see();
    const changed = [...this.#seen].some(([file, state]) => state !== (this.#taken.get(file) ?? state));
    const settled = [...this.#seen].every(([file, state]) => state === (before.get(file) ?? state));
    if (!changed || !settled || this.#closed) return this.#schedule(changed);
    const seen = this.#seen;
    if (await this.#options.renewed()) this.#taken = seen;
    this.#schedule(false);
  }
}

/** The state of a file that is not any more what was read. */
const OLD = "old";

async function statesOf(files: readonly FileRead[]): Promise<Map<string, string>> {
  return new Map(await Promise.all(files.map(async ({ file }) => [file, await stateOf(file)] as const)));
}

async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
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
