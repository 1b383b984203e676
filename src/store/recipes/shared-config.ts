import type { CallOptions } from "../store.ts";
import {
  type CandidateWrite,
  type KnownCandidate,
  promoteCandidate,
  readCandidate,
  type ReadCandidate,
  writeCandidate,
} from "./config-candidate.ts";
import type { ConfigCandidate } from "./config-candidate-record.ts";
import { compareVersions, readEntries } from "./config-history.ts";
import type { PublishOptions, PublishOutcome } from "./config-pointer.ts";
import { publishConfig, rollbackConfig } from "./config-publish.ts";
import { readCurrent, readVersion, type ReadConfig } from "./config-read.ts";
import { type ConfigEntry, configKeys, type ConfigKeys } from "./config-record.ts";
import { stageConfig, type StageOptions, type StageOutcome } from "./config-stage.ts";
import { type ConfigNews, subscribeConfig, type SubscribeOptions, watchConfig } from "./config-watch.ts";
import { checkedPrefix } from "./keys.ts";
import type { Held } from "./lock-hold.ts";
import type { RecipePlace } from "./place.ts";

/**
 * Documents that many processes follow, as versions in the store: immutable below
 * `<prefix>/config/v/`, and a pointer to the one that runs at `<prefix>/config/current`, which is
 * moved in the same transaction that writes a version and its line of the history.
 */
export interface SharedConfig {
  publish(text: string, options: PublishOptions): Promise<PublishOutcome>;
  /** Points at an older version again, as a new entry of the history. */
  rollback(to: number, options: PublishOptions): Promise<PublishOutcome>;
  /**
   * Publishes a version that nothing points at yet, for some to try: the leader of the fleet says
   * who does (`src/control/rollout/`), and moves the pointer in the end.
   */
  stage(text: string, options: StageOptions): Promise<StageOutcome>;
  /** What is tried, or was last. */
  candidate(options: CallOptions): Promise<ReadCandidate>;
  /** What became of it, if nobody has written since it was read. False: somebody has. */
  update(known: KnownCandidate, next: ConfigCandidate, options: CandidateWrite): Promise<boolean>;
  /** All run what was tried: the pointer moves, and `done` is what became of the candidate. */
  promote(known: KnownCandidate, done: ConfigCandidate, options: CandidateWrite): Promise<PublishOutcome>;
  /** What the pointer points at; `none` before the first was published. */
  current(options: CallOptions): Promise<ReadConfig>;
  /** One of those that are kept: the newest 20 that ran, the newest 20, and what runs. */
  version(version: number, options: CallOptions): Promise<ReadConfig>;
  /** Newest first: the last 100 changes of the pointer. */
  history(options: CallOptions): Promise<readonly ConfigEntry[]>;
  /** A unified diff of two versions; empty when they are the same. */
  diff(from: number, to: number, options: CallOptions): Promise<ConfigTextDiff>;
  /** The newest good version, and the next whenever there is one; ends with the signal alone. */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<ConfigNews>;
  /** The same, as calls of a function; until it is disposed. */
  subscribe(options: SubscribeOptions): AsyncDisposable;
}

/** What differs between two versions, or which of them cannot be read. */
export type ConfigTextDiff =
  | { readonly kind: "diff"; readonly text: string }
  | { readonly kind: "missing" | "bad"; readonly version: number; readonly reason: string };

/** What a document has to be. */
export interface SharedConfigOptions {
  /**
   * What is wrong with a document: nothing is published that has something, and nobody who looks
   * so is told of a version that has.
   */
  readonly check?: (text: string) => readonly string[];
  /**
   * A document with this digest that is here already: its pieces are not read, nor missed where
   * somebody has deleted them.
   */
  readonly atHand?: (sha256: string) => string | undefined;
}

/** A leadership or a lock that has to be held still, which the same transaction compares. */
export type LeaderGuard = Pick<Held, "guarded">;

/** What the functions behind it work on. */
export interface ConfigPlace extends RecipePlace {
  readonly keys: ConfigKeys;
  readonly check: (text: string) => readonly string[];
  readonly atHand: (sha256: string) => string | undefined;
}

/** Fails with `STORE_REFUSED` for a prefix that cannot be one. */
export function createSharedConfig(
  at: RecipePlace,
  { check = () => [], atHand = () => undefined }: SharedConfigOptions = {},
): SharedConfig {
  const place: ConfigPlace = { ...at, keys: configKeys(checkedPrefix(at.prefix)), check, atHand };
  return {
    publish: (text, more) => publishConfig(place, text, more),
    rollback: (to, more) => rollbackConfig(place, to, more),
    stage: (text, more) => stageConfig(place, text, more),
    candidate: (call) => readCandidate(place, call),
    update: ({ revision }, next, more) => writeCandidate(place, revision, next, more),
    promote: (known, done, more) => promoteCandidate(place, known, done, more),
    current: (call) => readCurrent(place, call),
    version: (version, call) => readVersion(place, version, call),
    history: (call) => readEntries(place, call),
    diff: (from, to, call) => compareVersions(place, from, to, call),
    watch: ({ signal }) => watchConfig(place, signal),
    subscribe: (more) => subscribeConfig(place, more),
  };
}
