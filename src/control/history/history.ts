import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { encodeText } from "../../core/encoded-text.ts";
import { reasonOf } from "../../core/errors.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../telemetry/log.ts";
import { inTime } from "../in-time.ts";
import { openDirectory, TEMPORARY, writeAtomically } from "../../core/atomic-write.ts";
import { decodeEntry, encodeEntry, type VersionInfo } from "./entry.ts";

interface HistoryOptions {
  /** Where versions are kept; undefined: in memory only. */
  readonly directory: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: HistoryLimits;
}

/** The oldest versions are forgotten first; the newest never is. */
export interface HistoryLimits {
  readonly versions: number;
  /** Of all documents together, on disk. */
  readonly bytes: number;
  /** Of those that are kept in memory, because they could not be written. */
  readonly memoryBytes: number;
}

export const HISTORY_LIMITS: HistoryLimits = {
  versions: 50,
  bytes: 64 * 1_024 * 1_024,
  memoryBytes: 16 * 1_024 * 1_024,
};

/**
 * Reads what is kept. What is torn or was changed is left out, and the log says so; so does a
 * directory that cannot be used.
 */
export async function openHistory(options: HistoryOptions): Promise<ConfigHistory> {
  const history = new ConfigHistory(options);
  await history.open();
  return history;
}

interface StoredVersion {
  readonly info: VersionInfo;
  readonly bytes: number;
  /** Set when it is not on disk. */
  readonly text: string | undefined;
}

const FILE_NAME = /^(?<version>\d{10})\.version$/u;

/** The versions of the config that ran on this node, with their documents. */
export class ConfigHistory {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: HistoryLimits;
  #directory: string | undefined;
  /** Oldest first. */
  readonly #kept: StoredVersion[] = [];
  #lastVersion = 0;

  constructor({ directory, clock, log, limits = HISTORY_LIMITS }: HistoryOptions) {
    this.#directory = directory;
    this.#clock = clock;
    this.#log = log;
    this.#limits = limits;
  }

  /** Newest first. */
  get versions(): readonly VersionInfo[] {
    return this.#kept.map(({ info }) => info).toReversed();
  }

  /**
   * The highest number that was ever given, also to a version that is not kept any more; 0 before
   * the first.
   */
  get lastVersion(): number {
    return this.#lastVersion;
  }

  /** Reads what is kept: once, before all else. */
  async open(): Promise<void> {
    if (this.#directory === undefined) return;
    try {
      await inTime(this.#clock, openDirectory(this.#directory));
      const names = await inTime(this.#clock, readdir(this.#directory));
      for (const name of names.toSorted()) {
        await inTime(this.#clock, this.#read(join(this.#directory, name), name));
      }
      await this.#forget();
    } catch (cause) {
      this.#kept.length = 0;
      const told = { directory: this.#directory, reason: reasonOf(cause) };
      this.#log.error("config history is kept in memory only: its directory cannot be used", told);
      this.#directory = undefined;
    }
  }

  /** The document of a version, as it was read; undefined when it is not kept (any more). */
  async text(version: number): Promise<string | undefined> {
    const kept = this.#kept.find(({ info }) => info.version === version);
    if (kept === undefined || kept.text !== undefined || this.#directory === undefined) return kept?.text;
    const file = fileOf(this.#directory, version);
    const read = inTime(this.#clock, readFile(file, "utf8"));
    const entry = await read.then(decodeEntry, () => undefined);
    if (entry === undefined) this.#log.warn("version of the config cannot be read any more", { file });
    return entry?.text;
  }

  /**
   * Ends when it is safe on disk; when that cannot be, it is kept in memory and the log says so.
   * A version that is there already, as a fleet may come back to one, is the newest then. Never
   * rejects.
   */
  async add(info: VersionInfo, text: string): Promise<void> {
    this.#lastVersion = Math.max(this.#lastVersion, info.version);
    using encoded = encodeText(text); // for its digest and its file, too
    const isKept = await this.#write(info, text);
    const before = this.#kept.findIndex((kept) => kept.info.version === info.version);
    if (before !== -1) this.#kept.splice(before, 1);
    this.#kept.push({ info, bytes: encoded.bytes.length, text: isKept ? undefined : text });
    await this.#forget();
  }

  async #read(file: string, name: string): Promise<void> {
    if (TEMPORARY.test(name)) return rm(file, { force: true });
    const version = Number(FILE_NAME.exec(name)?.groups?.["version"] ?? Number.NaN);
    if (Number.isNaN(version)) return;
    this.#lastVersion = Math.max(this.#lastVersion, version);
    const entry = decodeEntry(await readFile(file, "utf8").catch(() => ""));
    if (this.#directory === undefined) return; // it came too late
    if (entry === undefined || entry.info.version !== version) {
      this.#log.warn("version of the config is left out of the history: its file is damaged", { file });
      return;
    }
    this.#kept.push({ info: entry.info, bytes: Buffer.byteLength(entry.text), text: undefined });
  }

  async #write(info: VersionInfo, text: string): Promise<boolean> {
    if (this.#directory === undefined) return false;
    const file = fileOf(this.#directory, info.version);
    try {
      await inTime(this.#clock, writeAtomically(file, encodeEntry(info, text)));
      return true;
    } catch (cause) {
      this.#log.warn("version of the config is kept in memory only: it cannot be written", {
        file,
        reason: reasonOf(cause),
      });
      return false;
    }
  }

  async #forget(): Promise<void> {
    const { versions, bytes, memoryBytes } = this.#limits;
    while (this.#kept.length > 1) {
      const inMemory = this.#kept.filter(({ text }) => text !== undefined);
      const isTooMuch = this.#kept.length > versions || totalOf(this.#kept) > bytes || totalOf(inMemory) > memoryBytes;
      const oldest = isTooMuch ? this.#kept.shift() : undefined;
      if (oldest === undefined) return;
      if (this.#directory === undefined || oldest.text !== undefined) continue;
      const removed = rm(fileOf(this.#directory, oldest.info.version), { force: true });
      await inTime(this.#clock, removed).catch(() => undefined);
    }
  }
}

function totalOf(kept: readonly StoredVersion[]): number {
  return kept.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Ten digits, so that names are in the order of versions. */
function fileOf(directory: string, version: number): string {
  return join(directory, `${String(version).padStart(10, "0")}.version`);
}
