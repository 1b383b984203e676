import { z } from "zod";
import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { formatProblem } from "../../core/problem.ts";
import { sha256Of, textWithSha256 } from "../../core/sha256.ts";
import { configKeys, decodePointer, MAX_CONFIG_BYTES } from "../../store/recipes/config-record.ts";
import { pauseMs } from "../../store/pauses.ts";
import { readJson, writeJson } from "../../store/recipes/json-value.ts";
import { createSharedConfig, type LeaderGuard } from "../../store/recipes/shared-config.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import { type CallOptions, type Compare, type Entry, MAX_VALUE_BYTES, type Txn } from "../../store/store.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { Log } from "../../telemetry/log.ts";
import { ChangeSignal } from "./changes.ts";
import { publishDocument, type PublishResult, type TruthPlace } from "./publish.ts";

type MirrorNews =
  /** It says what runs. */
  | { readonly kind: "same" }
  /** It was written anew, after a version that was published otherwise, or where it was deleted. */
  | { readonly kind: "written"; readonly version: number }
  /** What somebody had put there runs now. */
  | { readonly kind: "taken"; readonly version: number }
  /** What somebody had put there does not, and is gone. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Nothing was published yet, and nothing is there. */
  | { readonly kind: "none" }
  /** Somebody else has written meanwhile, or leads now: to be looked at again. */
  | { readonly kind: "again" };

interface MirrorOptions {
  readonly log: Log;
  /** What is wrong with a document for who runs it, beside what is wrong for every fleet. */
  readonly check: (text: string) => Promise<readonly string[]>;
  /** Told of what was done, for the events of the node. */
  readonly told?: (news: MirrorNews) => void;
}

/** Where a proposal stands. */
export function mirrorKey(prefix: string): string {
  return `${prefix}/global/config`;
}

/** What the leader of a fleet does about it, until the signal says that it leads no more. */
export function mirrorTask(
  place: TruthPlace,
  options: MirrorOptions,
): (lead: { readonly leadership: LeaderGuard; readonly signal: AbortSignal }) => Promise<void> {
  return async ({ leadership, signal }) => {
    const over = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => over.resolve(), { once: true });
    if (signal.aborted) return;
    const mirror = new Mirror(place, leadership, options);
    await over.promise;
    await mirror[Symbol.asyncDispose]();
  };
}

/** Whether somebody has put something there that nobody has taken or refused yet. */
export async function proposalWaits(place: RecipePlace, call: CallOptions): Promise<boolean> {
  const state = await readState(place, call);
  return isProposal(state);
}

interface MirrorState {
  readonly mirror: Entry | undefined;
  /** What was written there last by one of us. */
  readonly mark: Entry | undefined;
  readonly pointer: Entry | undefined;
}

const MarkSchema = z.object({ version: z.number(), sha256: z.string() });

function keysOf({ prefix }: RecipePlace) {
  return { mirror: mirrorKey(prefix), mark: `${prefix}/config/mirror`, pointer: configKeys(prefix).current };
}

async function readState(place: RecipePlace, call: CallOptions): Promise<MirrorState> {
  const keys = keysOf(place);
  const mirror = await place.store.get(keys.mirror, call);
  const mark = await place.store.get(keys.mark, call);
  return { mirror, mark, pointer: await place.store.get(keys.pointer, call) };
}

function isProposal({ mirror, mark }: MirrorState): boolean {
  return mirror !== undefined && markIn(mark)?.sha256 !== sha256Of(mirror.value);
}

function markIn(mark: Entry | undefined): z.output<typeof MarkSchema> | undefined {
  const read = mark === undefined ? undefined : readJson(mark.value, MarkSchema);
  return read?.ok === true ? read.value : undefined;
}

/**
 * The config of a fleet for people and their tools, at `<prefix>/global/config`: the whole document
 * as plain text, and an inbox. What others put there is taken as the next version, or refused.
 */
export class Mirror implements AsyncDisposable {
  readonly #place: TruthPlace;
  readonly #guard: LeaderGuard | undefined;
  readonly #options: MirrorOptions;
  readonly #ended = new AbortController();
  readonly #working: Promise<void>;

  /** Watches as long as it is open; `guard`: the leadership under which it writes. */
  constructor(place: TruthPlace, guard: LeaderGuard | undefined, options: MirrorOptions) {
    this.#place = place;
    this.#guard = guard;
    this.#options = options;
    this.#working = this.#work();
  }

  /** Looks once: takes or refuses a proposal, and writes what runs. */
  async sync(call: CallOptions): Promise<MirrorNews> {
    const news = await this.#sync(call);
    if (news.kind !== "same" && news.kind !== "none") this.#options.told?.(news);
    return news;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new RouterError("SHUTDOWN", "the mirror is closed"));
    await this.#working;
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const { signal } = this.#ended;
    const { clock, random, store } = this.#place;
    const changes = new ChangeSignal(signal);
    const { mirror, pointer } = keysOf(this.#place);
    for (const key of [mirror, pointer]) void changes.follow(clock, () => watchEntries(store, key, signal));
    for (let attempt = 0; !signal.aborted; ) {
      changes.seen();
      const isPassing = await this.#tried(signal);
      attempt = isPassing ? attempt + 1 : 0;
      if (isPassing) await sleep(clock, pauseMs("config", attempt, random), signal).catch(() => undefined);
      else await changes.next();
    }
  }

  /** True: it is to be looked at again, although nothing new is told. */
  async #tried(signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.sync({ signal })).kind === "again";
    } catch (cause) {
      if (!signal.aborted) this.#options.log.debug("the mirror of the config waits", { reason: reasonOf(cause) });
      return true;
    }
  }

  async #sync(call: CallOptions): Promise<MirrorNews> {
    const state = await readState(this.#place, call);
    if (state.mirror !== undefined && isProposal(state)) return this.#consider(state.mirror, state, call);
    const read = await createSharedConfig(this.#place, { atHand: textWithSha256 }).current(call);
    if (read.kind !== "version") return { kind: state.mirror === undefined ? "none" : "same" };
    const { version } = read.version;
    if (state.mirror !== undefined && markIn(state.mark)?.version === version) return { kind: "same" };
    return this.#write(state, call, () => ({ kind: "written", version }));
  }

  /** By its revision: what is older than the pointer was written against another version. */
  async #consider(mirror: Entry, state: MirrorState, call: CallOptions): Promise<MirrorNews> {
    const { log } = this.#options;
    const { mirror: key } = keysOf(this.#place);
    if (state.pointer !== undefined && state.pointer.modified > mirror.modified) {
      return this.#refuse(state, "a version was published after it: look at that, and put it there again", call);
    }
    const text = UTF8.decode(mirror.value);
    const faults = await this.#options.check(text);
    if (faults.length > 0) return this.#refuse(state, faults.slice(0, 5).join("; "), call);
    const publish = { author: key, note: `put there at revision ${mirror.modified}` };
    // As it was when the proposal was found to be newer: what is published meanwhile stays.
    const pointer = state.pointer && decodePointer(state.pointer.value);
    const expected = pointer?.ok === true ? pointer.value.version : undefined;
    const request = { text, expected, publish, guard: this.#guard, signal: call.signal };
    const result = await publishDocument(this.#place, request);
    if (result.kind === "conflict" || result.kind === "not_leader") return { kind: "again" };
    if (!("pointer" in result)) return this.#refuse(state, whyRefused(result), call);
    const { version } = result.pointer;
    log.info("what was put into the store by hand is the config of the fleet now", { kind: "config", key, version });
    return this.#write(state, call, () => ({ kind: "taken", version }));
  }

  async #refuse(state: MirrorState, reason: string, call: CallOptions): Promise<MirrorNews> {
    const { mirror: key } = keysOf(this.#place);
    this.#options.log.error("what was put into the store by hand is not taken as the config of the fleet", {
      kind: "config",
      key,
      reason,
      hint: "what runs is written there again; signalbox config apply tells more",
    });
    return this.#write(state, call, () => ({ kind: "refused", reason }));
  }

  /** What runs is written there, unless somebody has written there meanwhile. */
  async #write(state: MirrorState, call: CallOptions, news: () => MirrorNews): Promise<MirrorNews> {
    const keys = keysOf(this.#place);
    const read = await createSharedConfig(this.#place, { atHand: textWithSha256 }).current(call);
    const shown = read.kind === "version" ? shownOf(read.version.version, read.version.text) : undefined;
    const asItWas: Compare =
      state.mirror === undefined
        ? { kind: "absent", key: keys.mirror }
        : { kind: "modified", key: keys.mirror, revision: state.mirror.modified };
    const version = read.kind === "version" ? read.version.version : 0;
    const mark = writeJson({ schema: 1, version, sha256: shown === undefined ? "" : sha256Of(shown) });
    const txn: Txn = {
      if: [asItWas],
      then: [
        shown === undefined ? { kind: "delete", key: keys.mirror } : { kind: "put", key: keys.mirror, value: shown },
        { kind: "put", key: keys.mark, value: mark },
      ],
    };
    const isDone = await this.#carryOut(txn, call);
    return isDone ? news() : { kind: "again" };
  }

  async #carryOut(txn: Txn, call: CallOptions): Promise<boolean> {
    try {
      const outcome = await (this.#guard?.guarded(txn, call) ?? this.#place.store.txn(txn, call));
      return outcome.done;
    } catch (cause) {
      if (cause instanceof RouterError && cause.code === "NOT_OWNER") return false;
      throw cause;
    }
  }
}

/** A document that is no value any more is told of in its place: a comment says nothing else. */
function shownOf(version: number, text: string): Uint8Array {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_VALUE_BYTES - 4_096) return new TextEncoder().encode(text);
  const size = `${bytes} bytes of at most ${MAX_CONFIG_BYTES}`;
  const note = `# version ${version} is too long to be shown here (${size}): signalbox config get\n`;
  return new TextEncoder().encode(note);
}

function whyRefused(
  result: Exclude<PublishResult, { kind: "conflict" | "not_leader" | "published" | "same" }>,
): string {
  switch (result.kind) {
    case "rolled_back":
      return `it was tried and taken back as version ${result.version}: ${result.reason}`;
    case "staged":
    case "under_way":
    case "no_base":
      return "what is put there is not staged";
    case "invalid":
      return result.problems.slice(0, 5).map(formatProblem).join("; ");
    case "foreign":
      return `${result.reason}; ${result.hint}`;
    case "unreadable_by":
      return `schema ${result.schema} cannot be read by ${result.members.map(({ id }) => id).join(", ")}`;
    default:
      return result satisfies never;
  }
}

const UTF8 = new TextDecoder("utf-8");
