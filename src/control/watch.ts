import { watch } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { TEMPORARY } from "../core/atomic-write.ts";
import type { Cancel, Clock } from "../core/clock.ts";
import { Unreachable } from "../core/unreachable.ts";
import { fingerprint, glanceAt, readSettled } from "./read-settled.ts";

export interface FileWatchOptions {
  readonly file: string;
  readonly clock: Clock;
  /** What is running already: only another content is told. */
  readonly known: string | undefined;
  /**
   * Told one at a time: the next is not read before this has ended. The newest content wins. Must
   * not reject. False: to be told once more at the next poll, a few times.
   */
  readonly onContent: (text: string) => Promise<boolean>;
  /** The file cannot be read (any more): told once, until it can be read again. */
  readonly onUnreadable: (reason: string) => void;
  /**
   * What the file is likely to hold when its writer has ended, so that what takes time of it can be
   * made ready meanwhile. It may never be told: nothing is to follow of it. Must not throw.
   */
  readonly onGlance?: ((text: string) => void) | undefined;
  /** A change is looked at when the file has been left alone for this long. */
  readonly settleMs?: number;
  /**
   * The file is looked at this often although nothing was reported: network file systems report
   * nothing.
   */
  readonly pollMs?: number;
  /** How to learn of changes in a directory; fails where that is not possible. */
  readonly watchDirectory?: WatchDirectory;
}

type WatchDirectory = (directory: string, onChange: () => void) => Disposable;

const SETTLE_MS = 30;
/** After the first report of a burst, for a first look. */
const FIRST_LOOK_MS = 5;
/** Of a file that changes on and on: the first may come in the middle of a write. */
const MOST_GLANCES = 2;
const POLL_MS = 1_000;
/** How often a content is told that could not be dealt with. */
const MAX_TRIES = 4;
/** Who stops waits for the inspection that is under way no longer than this. */
const LAST_POLL_MS = 500;

/**
 * Watches one file, through plain edits, renames over it, symlink swaps (Kubernetes), removal and
 * return. It watches the directories, not the file: a rename makes a new file. A file is read when
 * it was found unchanged twice, `settleMs` apart.
 */
export class FileWatch implements AsyncDisposable {
  readonly #options: Omit<FileWatchOptions, "known">;
  readonly #directories = new Map<string, Disposable>();
  #known: string | undefined;
  /** The state of the file, as far as stat tells, when it was last read. */
  #read = "";
  /** The same at the last inspection, read or not. */
  #seen: string | undefined;
  /** What the last inspection read, and did not tell: to be compared with what the file holds. */
  #glanced: string | undefined;
  /** Since the file was last found unchanged. */
  #glances = 0;
  /** A forced inspection met a file that was changing: the next one is forced too. */
  #forced = false;
  /**
   * Counts what this process wrote: what was read before such a write is not what the file holds.
   */
  #written = 0;
  #unreadable = "";
  /** How often the newest content was told. */
  #tries = 0;
  /** The content that is told once more. */
  #retried: string | undefined;
  /** It was read here. */
  #wasFile = false;
  #settling: Cancel | undefined;
  #poll: Cancel = () => {};
  #closed = false;
  /** All inspections, one after the other. */
  #work: Promise<void>;

  constructor({ known, ...options }: FileWatchOptions) {
    this.#options = options;
    this.#known = known;
    this.#schedulePoll();
    this.#work = this.#inspect(false);
  }

  /** What was told last, or is not to be told; undefined: it is to be told once more. */
  get known(): string | undefined {
    return this.#known;
  }

  /**
   * Reads the file now and tells its content, changed or not. Ends when that was dealt with, or put
   * off because the file changes.
   */
  force(): Promise<void> {
    return this.#queue(true);
  }

  /**
   * This process has written the file just now, and knows what: that content is not told, nor read
   * while the file is in this state, which was looked at in the same moment.
   */
  expect(text: string, state: string): void {
    this.#written++;
    this.#known = text;
    this.#read = state;
    this.#wasFile = true;
    this.#unreadable = "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#poll();
    this.#settling?.();
    for (const directory of this.#directories.values()) directory[Symbol.dispose]();
    this.#directories.clear();
    // An inspection may hang in a file system that does not answer: nobody stops for that.
    const over = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(LAST_POLL_MS, over.resolve);
    await Promise.race([this.#work, over.promise]);
    cancel();
  }

  #schedulePoll(): void {
    this.#poll = this.#options.clock.after(this.#options.pollMs ?? POLL_MS, () => {
      this.#reported();
      this.#schedulePoll();
    });
  }

  /** A burst of reports is one look now, and one when the writer is likely to have ended. */
  #reported(): void {
    this.#lookAfter(Math.min(FIRST_LOOK_MS, this.#settleMs));
  }

  /** It was looked at just now. */
  #changed(): void {
    this.#lookAfter(this.#settleMs);
  }

  get #settleMs(): number {
    return this.#options.settleMs ?? SETTLE_MS;
  }

  #lookAfter(delayMs: number): void {
    if (this.#settling !== undefined || this.#closed) return;
    this.#settling = this.#options.clock.after(delayMs, () => {
      this.#settling = undefined;
      const forced = this.#forced;
      this.#forced = false;
      void this.#queue(forced);
    });
  }

  #queue(forced: boolean): Promise<void> {
    this.#work = this.#work.then(() => this.#inspect(forced));
    return this.#work;
  }

  async #inspect(forced: boolean): Promise<void> {
    if (this.#closed) return;
    await this.#followDirectories();
    const state = await fingerprint(this.#options.file);
    const likely = this.#glanced ?? this.#known;
    this.#glanced = undefined;
    if (!forced && state !== "" && state === this.#read) {
      this.#glances = 0;
      return;
    }
    if (!forced && state !== this.#seen) {
      const isStart = this.#seen === undefined;
      this.#seen = state; // it must be found the same once more, a while later: somebody may still be writing
      this.#changed();
      if (!isStart) await this.#glance(state);
      return;
    }
    this.#glances = 0;
    await this.#readAndTell(state, { likely, forced });
  }

  /** The wait for the writer to end is used. */
  async #glance(state: string): Promise<void> {
    const { file, onGlance } = this.#options;
    if (onGlance === undefined || this.#glances >= MOST_GLANCES) return;
    this.#glances++;
    const text = await glanceAt(file, state);
    if (text === undefined || text === this.#known || this.#closed) return;
    this.#glanced = text;
    onGlance(text);
  }

  /** `likely`: what the file may hold, which is compared first. */
  async #readAndTell(
    state: string,
    { likely, forced }: { readonly likely: string | undefined; readonly forced: boolean },
  ): Promise<void> {
    const written = this.#written;
    const found = await readSettled(this.#options.file, state, likely);
    if (written !== this.#written) {
      this.#forced ||= forced;
      return this.#changed();
    }
    switch (found.kind) {
      case "text":
        return this.#tell(found.text, state, forced);
      case "unreadable":
        return this.#tellUnreadable(found.reason);
      case "no_file":
        if (forced || this.#wasFile) return this.#tellUnreadable(found.reason);
        this.#read = state; // all is as it was at the start
        return;
      case "unsettled":
        this.#forced ||= forced;
        return this.#changed();
      default:
        throw new Unreachable(found);
    }
  }

  async #tell(text: string, state: string, forced: boolean): Promise<void> {
    this.#read = state;
    this.#wasFile = true;
    this.#unreadable = "";
    if (text === this.#known && !forced) return;
    if (text !== this.#retried) this.#tries = 0;
    this.#retried = undefined;
    this.#known = text;
    const written = this.#written;
    this.#tries++;
    if ((await this.#options.onContent(text)) || written !== this.#written || this.#tries >= MAX_TRIES) return;
    this.#retried = text;
    this.#known = undefined;
    this.#read = "";
  }

  #tellUnreadable(reason: string): void {
    this.#read = "";
    if (reason === this.#unreadable) return;
    this.#unreadable = reason;
    this.#options.onUnreadable(reason);
  }

  /**
   * The directory of the name and, behind a symlink, the one of the file itself. The poll covers
   * what cannot be watched.
   */
  async #followDirectories(): Promise<void> {
    const { file, watchDirectory = watchWithFs } = this.#options;
    const wanted = new Set([dirname(file), dirname(await realpath(file).catch(() => file))]);
    if (this.#closed) return;
    for (const [directory, watched] of this.#directories) {
      if (wanted.has(directory)) continue;
      watched[Symbol.dispose]();
      this.#directories.delete(directory);
    }
    for (const directory of wanted) {
      if (this.#directories.has(directory)) continue;
      try {
        this.#directories.set(
          directory,
          watchDirectory(directory, () => this.#reported()),
        );
      } catch {
        // Gone, or no more watches to be had: tried again at the next poll.
      }
    }
  }
}

function watchWithFs(directory: string, onChange: () => void): Disposable {
  const watcher = watch(directory, { persistent: false }, (_, name) => {
    if (name === null || !TEMPORARY.test(name)) onChange();
  });
  watcher.on("error", () => watcher.close());
  return { [Symbol.dispose]: () => watcher.close() };
}
