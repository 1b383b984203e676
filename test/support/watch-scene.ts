import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { FileWatch, type FileWatchOptions } from "../../src/control/watch.ts";
import { systemClock } from "../../src/core/clock.ts";
import { ManualClock } from "./manual-clock.ts";

/**
 * A file in a directory of its own, and what was told about it. Reports are awaited, never slept
 * for.
 */
export class WatchScene implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "signalbox-watch-"));
  readonly file = join(this.directory, "signalbox.yaml");
  readonly told: string[] = [];
  #waiting: { wanted: string; resolve: () => void }[] = [];
  #watch: FileWatch | undefined;

  start(options: Partial<FileWatchOptions> = {}): FileWatch {
    this.#watch = new FileWatch({
      file: this.file,
      clock: systemClock,
      known: undefined,
      settleMs: 10,
      pollMs: 50,
      onContent: async (text) => {
        this.tell(text);
        return true;
      },
      onUnreadable: (reason) => this.tell(/ENOENT/u.test(reason) ? "gone" : reason),
      ...options,
    });
    return this.#watch;
  }

  tell(what: string): void {
    this.told.push(what);
    for (const { wanted, resolve } of this.#waiting) if (wanted === what) resolve();
  }

  /** Resolves when the newest thing that was told is this. */
  newest(wanted: string): Promise<void> {
    if (this.told.at(-1) === wanted) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push({ wanted, resolve }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface MovedWatch {
  readonly watch: FileWatch;
  readonly clock: ManualClock;
  /** As the file system does. */
  readonly report: () => void;
  readonly glanced: string[];
  /** Until so many were glanced at. */
  readonly glances: (count: number) => Promise<void>;
}

/** A watch of a file that is known, and was looked at; from then on its clock is moved by hand. */
export async function startMoved(scene: WatchScene): Promise<MovedWatch> {
  writeFileSync(scene.file, "old");
  const clock = new ManualClock();
  let report = (): void => {};
  const watchDirectory = (_: string, onChange: () => void): Disposable => {
    report = onChange;
    return { [Symbol.dispose]() {} };
  };
  const glanced: string[] = [];
  const onGlance = (text: string): void => void glanced.push(text);
  const watch = scene.start({ clock, known: "old", settleMs: 30, ...patient, watchDirectory, onGlance });
  await watch.force();
  clock.advance(30);
  await watch.force(); // the looks that follow the first one are over
  scene.told.length = 0;
  const glances = async (count: number): Promise<void> => {
    while (glanced.length < count) await setImmediate();
  };
  return { watch, clock, report: () => report(), glanced, glances };
}

export const silent = { watchDirectory: (): Disposable => ({ [Symbol.dispose]() {} }) };
export const patient = { pollMs: 3_600_000 };
