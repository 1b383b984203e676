import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { ControllerLink, OpenControllerLink } from "../fleet/controller-link.ts";
import { type ControllerAddress, FLEET_PROTOCOL, type MemberSelection, type MemberSet } from "../fleet/messages.ts";
import type { TellBound } from "./discover-bounds.ts";
import type { OtherRegions } from "./member-discovery.ts";

interface RemoteRegionsOptions extends TimeAndChance {
  /** Of the controller that asks. */
  readonly id: string;
  readonly leaderOf: (region: string) => ControllerAddress | undefined;
  readonly openLink: OpenControllerLink;
  /** Somebody else is found. */
  readonly news: () => void;
  readonly bounded: TellBound;
}

/** Nobody has asked for so long: it is not followed any more. */
const UNUSED_MS = 60_000;
const MOST_SELECTIONS = 64;
/** Longer than any call is held. */
const CALL_MS = 25_000;
/** A region has been without a controller for so long: perhaps nobody means that one. */
const NO_LEADER_MS = 15_000;
const PAUSE = { firstMs: 500, longestMs: 10_000 } as const;

interface Followed {
  set: MemberSet | undefined;
  askedMs: number;
}

/**
 * The members of other regions, as their controllers tell this one: one call is held for each
 * selection, however many ask here. What is known stays while such a controller does not answer.
 */
export class RemoteRegions implements AsyncDisposable, OtherRegions {
  readonly #options: RemoteRegionsOptions;
  readonly #followed = new Map<string, Followed>();
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: RemoteRegionsOptions) {
    this.#options = options;
  }

  /** From the first time that it is asked for it is followed. */
  find(selection: MemberSelection): MemberSet | undefined {
    const nowMs = this.#options.clock.nowMs();
    const key = JSON.stringify(selection);
    const known = this.#followed.get(key);
    if (known !== undefined) {
      known.askedMs = nowMs;
      return known.set;
    }
    if (this.#closing.signal.aborted) return undefined;
    if (this.#followed.size >= MOST_SELECTIONS) {
      this.#options.bounded("regions", selection.region);
      return undefined;
    }
    const followed: Followed = { set: undefined, askedMs: nowMs };
    this.#followed.set(key, followed);
    const ended = this.#follow(selection, followed).finally(() => {
      this.#followed.delete(key);
      this.#running.delete(ended);
    });
    this.#running.add(ended);
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new RouterError("SHUTDOWN", "other regions are asked no more"));
    await Promise.all(this.#running);
  }

  async #follow(selection: MemberSelection, followed: Followed): Promise<void> {
    const { clock, random, leaderOf, bounded } = this.#options;
    const { signal } = this.#closing;
    let sinceMs = clock.nowMs();
    for (let failed = 0; !signal.aborted && clock.nowMs() - followed.askedMs < UNUSED_MS; failed++) {
      const leader = leaderOf(selection.region);
      if (leader !== undefined) sinceMs = clock.nowMs();
      else if (clock.nowMs() - sinceMs >= NO_LEADER_MS) bounded("no_leader", selection.region);
      if (leader !== undefined && (await this.#ask(leader, selection, followed))) failed = 0;
      const pauseMs = Math.min(PAUSE.longestMs, PAUSE.firstMs * 2 ** Math.min(failed, 10));
      await sleep(clock, pauseMs * (0.5 + 0.5 * random.next()), signal).catch(() => undefined);
    }
  }

  /** One controller, as long as it answers; false: it never did. */
  async #ask(leader: ControllerAddress, selection: MemberSelection, followed: Followed): Promise<boolean> {
    const { clock, openLink } = this.#options;
    await using link = openLink(leader);
    let known: string | undefined;
    while (clock.nowMs() - followed.askedMs < UNUSED_MS) {
      const begunMs = clock.nowMs();
      const answer = await this.#call(link, selection, known);
      if (answer === undefined) break;
      const isNews = answer.digest !== known;
      known = answer.digest;
      followed.set = answer.set;
      if (isNews) this.#options.news();
      // An answer that tells nothing new was held, or is not asked for again at once.
      if (isNews || clock.nowMs() - begunMs >= PAUSE.firstMs) continue;
      await sleep(clock, PAUSE.firstMs, this.#closing.signal).catch(() => undefined);
    }
    return known !== undefined;
  }

  async #call(
    link: ControllerLink,
    selection: MemberSelection,
    known: string | undefined,
  ): Promise<{ readonly digest: string; readonly set: MemberSet } | undefined> {
    const { id } = this.#options;
    const { signal } = this.#closing;
    const request = { protocol: FLEET_PROTOCOL, id, region: selection.region, wanted: [selection] };
    const more = known === undefined ? {} : { known };
    const outcome = await link.call("discover", { ...request, ...more }, { signal, timeoutMs: CALL_MS });
    const [set] = outcome.kind === "reply" ? outcome.reply.found : [];
    return outcome.kind === "reply" && set !== undefined ? { digest: outcome.reply.digest, set } : undefined;
  }
}
