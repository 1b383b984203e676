import { readFile } from "node:fs/promises";
import type { Clock } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { type ConfigFile, openConfigFile, removeLeftovers } from "../config-file.ts";
import { FileWatch, type FileWatchOptions } from "../watch.ts";
import {
  type ConfigTruth,
  type ProposeOutcome,
  type TruthNews,
  type TruthOptions,
  type TruthProposal,
  type TruthRead,
  NO_FLEET_TO_STAGE,
} from "./config-truth.ts";

interface FileTruthOptions {
  readonly file: string;
  readonly clock: Clock;
  /** What is running already: only another content is told. */
  readonly known: string;
}

/** Another process that changes the file has put in by then what it wrote beside it. */
const LEFT_MS = 60_000;

/**
 * A config file: it is watched, and changes are written back to it. Disposing it waits for what is
 * being told, though not for long.
 */
export class FileTruth implements ConfigTruth, AsyncDisposable {
  readonly #options: FileTruthOptions;
  readonly #file: ConfigFile;
  readonly #closed = new AbortController();
  /** While nobody watches. */
  #known: string | undefined;
  #watch: FileWatch | undefined;

  constructor(options: FileTruthOptions) {
    this.#options = options;
    this.#known = options.known;
    removeLeftovers(options.file, options.clock.wallMs() - LEFT_MS);
    this.#file = openConfigFile(options.file, (text, state) => {
      if (this.#watch === undefined) this.#known = text;
      else this.#watch.expect(text, state);
    });
  }

  async read(_options: TruthOptions): Promise<TruthRead> {
    const { file } = this.#options;
    try {
      return { kind: "document", version: undefined, text: await readFile(file, "utf8") };
    } catch (cause) {
      throw new RouterError("CONFIG_UNREADABLE", `cannot read ${file}: ${reasonOf(cause)}`, { cause });
    }
  }

  /** For one who watches, at a time. `onGlance`: as the watch of the file has it. */
  async *watch({ signal, onGlance }: TruthOptions & Pick<FileWatchOptions, "onGlance">): AsyncGenerator<TruthNews> {
    const told = new ToldNews(AbortSignal.any([signal, this.#closed.signal]));
    const { file, clock } = this.#options;
    this.#watch = new FileWatch({
      file,
      clock,
      known: this.#known,
      onContent: (text) => told.tell(text),
      onUnreadable: (reason) => told.tellUnreadable(reason),
      onGlance,
    });
    this.#known = undefined;
    try {
      yield* told.news();
    } finally {
      await this.#watch[Symbol.asyncDispose]();
      this.#known = this.#watch.known;
      this.#watch = undefined;
    }
  }

  /** Reads the file now and tells its content, changed or not; ends when that was dealt with. */
  async force(): Promise<void> {
    await this.#watch?.force();
  }

  stage(text: string): AsyncDisposable {
    return this.#file.stage(text);
  }

  async propose({ expected, text, publish }: TruthProposal): Promise<ProposeOutcome> {
    if (publish?.staged === true) return NO_FLEET_TO_STAGE;
    const outcome = await this.#file.replace(expected.text, text);
    switch (outcome.kind) {
      case "written": {
        const { safe } = outcome;
        return { kind: "taken", version: undefined, safe, withdraw: () => this.#withdraw(text, expected.text) };
      }
      case "changed":
        return outcome;
      case "unwritable":
        return { kind: "unwritable", reason: `the config file cannot be written: ${outcome.reason}` };
      default:
        return outcome satisfies never;
    }
  }

  async #withdraw(text: string, before: string): Promise<void> {
    const outcome = await this.#file.replace(text, before);
    if (outcome.kind === "written") await outcome.safe;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#watch?.[Symbol.asyncDispose]();
  }
}

/** What the watch reports, until somebody takes it; and whether that was of use. */
class ToldNews {
  readonly #signal: AbortSignal;
  readonly #waiting: { readonly news: TruthNews; readonly handled: () => void }[] = [];
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** True once it was dealt with; false when it is to be told once more. */
  async tell(text: string): Promise<boolean> {
    let isDone = true;
    const again = (): void => void (isDone = false);
    await new Promise<void>((handled) => {
      this.#waiting.push({ news: { kind: "document", version: undefined, text, again }, handled });
      if (this.#signal.aborted) handled();
      this.#wake();
    });
    return isDone;
  }

  tellUnreadable(reason: string): void {
    this.#waiting.push({ news: { kind: "unreadable", reason }, handled: () => {} });
    this.#wake();
  }

  async *news(): AsyncGenerator<TruthNews> {
    let current = this.#waiting[0];
    try {
      while (!this.#signal.aborted) {
        current = this.#waiting.shift();
        if (current === undefined) await new Promise<void>((wake) => void (this.#wake = wake));
        else {
          yield current.news;
          current.handled();
        }
      }
    } finally {
      current?.handled();
      for (const { handled } of this.#waiting.splice(0)) handled();
    }
  }
}
