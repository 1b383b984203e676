import { pauseMs } from "../pauses.ts";
import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { readCurrent, type ReadConfig } from "./config-read.ts";
import type { ConfigPointer, ConfigVersion } from "./config-record.ts";
import type { ConfigPlace } from "./shared-config.ts";
import { watchEntries } from "./watched.ts";

/** What who follows a config is told. Versions may be left out, the newest never is. */
export type ConfigNews =
  | { readonly kind: "version"; readonly version: ConfigVersion; readonly pointer: ConfigPointer }
  /** Nothing is published; or the pointer was deleted, and what ran before still holds. */
  | { readonly kind: "none" }
  /** What the pointer points at is not good: what ran before still holds. */
  | { readonly kind: "bad"; readonly version: number | undefined; readonly reason: string }
  /** The store cannot be reached: what was told last still holds, and may be old. */
  | { readonly kind: "lost"; readonly reason: string }
  /** It can be again, and what was told is the newest. */
  | { readonly kind: "found" };

/** Who is told of versions, and of faults. */
export interface SubscribeOptions {
  /** Called with one at a time; the next waits until it has ended. */
  readonly handle: (news: ConfigNews) => void | Promise<void>;
  /** Told what `handle` throws: the next is handled all the same. */
  readonly failed: (error: unknown) => void;
}

export async function* watchConfig(place: ConfigPlace, signal: AbortSignal): AsyncGenerator<ConfigNews> {
  const { store, keys } = place;
  let told: ToldPointer | undefined;
  let isLost = false;
  for await (const { entries, lost } of watchEntries(store, keys.current, signal)) {
    if (lost !== undefined) {
      if (!isLost) yield { kind: "lost", reason: lost };
      isLost = true;
      continue;
    }
    const modified = entries.get(keys.current)?.modified;
    if (told === undefined || told.modified !== modified) {
      for await (const news of readPatiently(place, signal)) {
        const what = news.kind === "version" ? `${news.version.version} ${news.version.sha256}` : news.kind;
        // A pointer moved away and back tells nothing new; what is bad may be so otherwise.
        if (what === "bad" || what !== told?.what) yield news;
        told = { modified, what };
      }
    }
    if (isLost) yield { kind: "found" };
    isLost = false;
  }
}

interface ToldPointer {
  readonly modified: bigint | undefined;
  readonly what: string;
}

/**
 * What is the newest now, however old the event is. Tries until the store has answered: whoever
 * follows is to be told some time. That it refuses to is told, too, and may be over later.
 */
async function* readPatiently(place: ConfigPlace, signal: AbortSignal): AsyncGenerator<ConfigNews> {
  const { clock, random } = place;
  let refusal: string | undefined;
  for (let attempt = 0; !signal.aborted; attempt++) {
    const read = await readOrFault(place, signal);
    if (read === undefined) return;
    if (!(read instanceof RouterError)) {
      yield newsOf(place, read);
      return;
    }
    if (read.code === "SHUTDOWN") return;
    if (read.code === "STORE_REFUSED" && read.message !== refusal) {
      refusal = read.message;
      yield { kind: "bad", version: undefined, reason: refusal };
    }
    await sleep(clock, pauseMs("config", attempt, random), signal).catch(() => undefined);
  }
}

/** Undefined: the signal says that nobody follows any more. */
async function readOrFault(place: ConfigPlace, signal: AbortSignal): Promise<ReadConfig | RouterError | undefined> {
  try {
    return await readCurrent(place, { signal });
  } catch (cause) {
    if (signal.aborted) return undefined;
    if (cause instanceof RouterError) return cause;
    throw cause;
  }
}

function newsOf({ check }: ConfigPlace, read: ReadConfig): ConfigNews {
  if (read.kind === "none" || read.kind === "bad") return read;
  if (read.kind === "missing") return { kind: "bad", version: read.version, reason: read.reason };
  const { version, pointer } = read;
  const problem = problemOf(check, version.text);
  if (problem !== undefined) return { kind: "bad", version: version.version, reason: problem };
  if (pointer === undefined) return { kind: "bad", version: version.version, reason: "nothing points at it" };
  return { kind: "version", version, pointer };
}

/** A check that fails is no reason to be silent about a version. */
function problemOf(check: ConfigPlace["check"], text: string): string | undefined {
  try {
    return check(text)[0];
  } catch (cause) {
    return `it cannot be checked: ${reasonOf(cause)}`;
  }
}

export function subscribeConfig(place: ConfigPlace, { handle, failed }: SubscribeOptions): AsyncDisposable {
  const closing = new AbortController();
  const follow = async (): Promise<void> => {
    for await (const news of watchConfig(place, closing.signal)) {
      try {
        await handle(news);
      } catch (cause) {
        failed(cause);
      }
    }
  };
  const ended = follow().catch((cause: unknown) => {
    if (!closing.signal.aborted) failed(cause);
  });
  return {
    async [Symbol.asyncDispose]() {
      closing.abort(new RouterError("SHUTDOWN", "the config is followed no more"));
      await ended;
    },
  };
}
