import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { CallOutcome, ControllerLink, RefusedCall } from "./controller-link.ts";
import { type Directive, type DirectiveNews, digestOf } from "./directive.ts";
import type { FollowerOptions } from "./follower.ts";
import type { ReportFacts } from "./follower-ports.ts";
import type { AskMembers } from "./member-follower.ts";
import {
  type AwaitReply,
  type CollectorReport,
  type BroughtDocument,
  type ControllerAddress,
  decodeBody,
  FLEET_PROTOCOL,
} from "./messages.ts";

interface FollowedOptions extends FollowerOptions {
  readonly nextSeq: () => number;
  /** A Report was answered. */
  readonly heard: (collectors: number) => void;
}

/** Why a controller is followed no more; `wasHeard`: it had answered a Report. */
export type FollowEnd = { readonly wasHeard: boolean } & (
  | { readonly kind: "closed" }
  | { readonly kind: "not_leader"; readonly leader: ControllerAddress | undefined }
  | { readonly kind: "refused"; readonly why: RefusedCall; readonly reason: string }
  | { readonly kind: "unreachable"; readonly reason: string }
);
type End = FollowEnd extends infer Each ? (Each extends FollowEnd ? Omit<Each, "wasHeard"> : never) : never;

const REPORT_MS = 4_000;
/** Longer than any call is held. */
const AWAIT_MS = 40_000;
const FETCH_MS = 30_000;
/** Longer than any call is held. */
const DISCOVER_MS = 25_000;
/** How often it is looked whether something is to be told before its time. */
const POLL_MS = 250;
/** A call that was answered sooner was not held: with nothing new in it, another one waits. */
const HELD_MS = 10_000;
/** Reports before their time that one controller gets in a second, where all have news. */
const TOLD_A_SECOND = 500;
/** A Report before its time: not sooner after the last one. */
const LEAST_MS = 1_000;
/**
 * So many Reports may be without an answer: one controller that stands still for some seconds is
 * not to lose all of its collectors. Whether it is there at all, the connection and the call that
 * waits tell.
 */
const MISSED = 2;
const IDLE = { firstMs: 500, longestMs: 10_000 } as const;

/** One controller while it is followed: Reports at their times, and always one Await. */
export class FollowedController {
  readonly #link: ControllerLink;
  readonly #options: FollowedOptions;
  readonly #over = new AbortController();
  #wasHeard = false;
  #epoch: string | undefined;
  /** From then on a Report is to be told before its time. */
  #wantedMs: number | undefined;
  #missed = 0;
  /** That report to it, as it says. */
  #collectors = 1;
  /** What the last Report has told. */
  #told: { readonly facts: ReportFacts; readonly atMs: number } | undefined;
  /** Told by the last Report, and not come by Await since. */
  #missing: readonly DirectiveNews[] = [];
  /** What came with a directive last; its text until it is asked for. */
  #document: (Pick<BroughtDocument, "digest"> & Partial<BroughtDocument>) | undefined;
  #kick: (() => void) | undefined;

  constructor(link: ControllerLink, options: FollowedOptions) {
    this.#link = link;
    this.#options = options;
  }

  get controller(): ControllerAddress {
    return this.#link.controller;
  }

  get epoch(): string | undefined {
    return this.#epoch;
  }

  /**
   * The next Report is due as soon as a second has passed since the last one; in a large region,
   * where all may have the same to tell at the same moment, some time later.
   */
  reportNow(): void {
    const { clock, random } = this.#options;
    this.#wantedMs ??= clock.nowMs() + random.next() * (this.#collectors / TOLD_A_SECOND) * 1_000;
  }

  /** Until it leads no more, cannot be reached, or the signal ends it. Never rejects. */
  async run(signal: AbortSignal): Promise<FollowEnd> {
    const both = AbortSignal.any([signal, this.#over.signal]);
    try {
      const first = await this.#report(both);
      if (first !== undefined) return this.#ended(first);
      const reports = this.#reports(both);
      const awaits = this.#awaits(both);
      const members = this.#discovers(both);
      const end = await Promise.race([reports, awaits]);
      this.#over.abort(new RouterError("INTERRUPTED", "another way to the controller is taken"));
      await Promise.all([reports, awaits, members]);
      return this.#ended(end);
    } finally {
      this.#over.abort(new RouterError("INTERRUPTED", "another way to the controller is taken"));
    }
  }

  /** Of the whole text; undefined: it does not have it, or cannot be asked. */
  async fetch(digest: string, signal: AbortSignal): Promise<string | undefined> {
    const { digest: brought, text } = this.#document ?? {};
    if (brought === digest && text !== undefined) {
      this.#document = { digest };
      return text;
    }
    const { id, region } = this.#options.identity;
    const request = { protocol: FLEET_PROTOCOL, id, region, digest };
    const both = AbortSignal.any([signal, this.#over.signal]);
    const outcome = await this.#link.call("fetch", request, { signal: both, timeoutMs: FETCH_MS });
    const body = outcome.kind === "reply" ? outcome.reply.body : undefined;
    return body === undefined ? undefined : UTF8.decode(decodeBody(body));
  }

  #ended(end: End): FollowEnd {
    return { ...end, wasHeard: this.#wasHeard };
  }

  async #reports(signal: AbortSignal): Promise<End> {
    for (;;) {
      await this.#untilDue(signal);
      if (signal.aborted) return CLOSED;
      const end = await this.#report(signal);
      this.#missed = end === undefined ? 0 : this.#missed + 1;
      if (end !== undefined && (end.kind !== "unreachable" || this.#missed >= MISSED)) return end;
    }
  }

  /** Until the next Report is, or something is to be told before that, or the signal ends it. */
  #untilDue(signal: AbortSignal): Promise<void> {
    const { clock, random, reportIntervalMs } = this.#options;
    if (signal.aborted) return Promise.resolve();
    // A little less than the interval, each time another: those of a region do not come together.
    const dueMs = clock.nowMs() + reportIntervalMs * (0.9 + 0.1 * random.next());
    const stepMs = Math.min(POLL_MS, reportIntervalMs);
    return new Promise((resolve) => {
      const check = (): void => {
        if (clock.nowMs() < dueMs && !this.#isToBeTold()) cancel = clock.after(stepMs, check);
        else end();
      };
      const end = (): void => {
        cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      let cancel = clock.after(stepMs, check);
      signal.addEventListener("abort", end, { once: true });
    });
  }

  /** Undefined: it was answered. */
  async #report(signal: AbortSignal): Promise<End | undefined> {
    const { clock, observer, heard } = this.#options;
    this.#wantedMs = undefined; // what is wanted from here on may not be in it
    const facts = await this.#options.facts();
    this.#told = { facts, atMs: clock.nowMs() };
    const outcome = await this.#link.call("report", this.#reportOf(facts), { signal, timeoutMs: REPORT_MS });
    if (signal.aborted) return CLOSED;
    if (outcome.kind !== "reply") return outcome;
    const { reply } = outcome;
    this.#wasHeard = true;
    this.#epoch = reply.controller.epoch;
    observer.reported();
    this.#collectors = reply.collectors;
    heard(reply.collectors);
    this.#options.answered?.(facts, reply);
    this.#compare(reply.newer);
    return undefined;
  }

  #reportOf({ held = {}, ...facts }: ReportFacts): CollectorReport {
    const { identity, book, nextSeq, reportIntervalMs } = this.#options;
    const mine = { ...identity, ...facts, report_interval_ms: Math.round(reportIntervalMs) };
    return { protocol: FLEET_PROTOCOL, ...mine, held, seq: nextSeq(), received: book.known() };
  }

  /** What was missing at the last Report already, Await does not bring: it is asked again. */
  #compare(newer: readonly DirectiveNews[]): void {
    const wanted = newer.filter((news) => this.#options.book.wants(news));
    const isStuck = wanted.some((news) => this.#missing.some((one) => isSame(one, news)));
    this.#missing = wanted;
    if (isStuck) this.#kick?.();
  }

  async #awaits(signal: AbortSignal): Promise<End> {
    const { clock, random, identity, book } = this.#options;
    const { id, region } = identity;
    for (let idle = 0; ; ) {
      const kicked = new AbortController();
      this.#kick = () => kicked.abort(new RouterError("INTERRUPTED", "it is asked again"));
      const beganMs = clock.nowMs();
      const request = { protocol: FLEET_PROTOCOL, id, region, known: book.known(), has: this.#has() };
      const both = AbortSignal.any([signal, kicked.signal]);
      const outcome = await this.#link.call("await", request, { signal: both, timeoutMs: AWAIT_MS });
      if (signal.aborted) return CLOSED;
      if (!kicked.signal.aborted) {
        if (outcome.kind !== "reply") return outcome;
        const hasNews = await this.#take(outcome, signal);
        const wasHeld = outcome.reply.directives.length === 0 && clock.nowMs() - beganMs >= HELD_MS;
        idle = hasNews || wasHeld ? 0 : idle + 1;
      }
      const pauseMs = idle === 0 ? 0 : random.next() * Math.min(IDLE.longestMs, IDLE.firstMs * 2 ** Math.min(idle, 10));
      if (pauseMs > 0) await sleep(clock, pauseMs, signal).catch(() => undefined);
    }
  }

  /** Who is found stays when this ends. */
  async #discovers(signal: AbortSignal): Promise<void> {
    const { identity, members } = this.#options;
    const { id, region } = identity;
    const caller = { protocol: FLEET_PROTOCOL, id, region };
    const ask: AskMembers = async (question, until) =>
      this.#link.call("discover", { ...caller, ...question }, { signal: until, timeoutMs: DISCOVER_MS });
    await members?.run(ask, signal, () => this.#collectors);
  }

  /** Whether something is to be told before its time. */
  #isToBeTold(): boolean {
    const { clock, isNews } = this.#options;
    if (this.#told === undefined) return true;
    const { facts, atMs } = this.#told;
    const nowMs = clock.nowMs();
    const isWanted = this.#wantedMs !== undefined && nowMs >= Math.max(this.#wantedMs, atMs + LEAST_MS);
    return isWanted || isNews(facts, atMs, nowMs);
  }

  /** Whether anything of it counts. */
  async #take(
    { reply, sent }: Extract<CallOutcome<AwaitReply>, { kind: "reply" }>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { book, observer } = this.#options;
    let hasNews = false;
    if (reply.document !== undefined) this.#document = reply.document;
    for (const directive of reply.directives) {
      const body = await this.#bodyOf(directive, signal);
      const verdict = body === undefined ? "not_fetched" : await book.offer({ directive, body, sent });
      observer.directive(directive.scope, verdict);
      if (verdict === "applied") hasNews = true;
    }
    return hasNews;
  }

  /** The document that it runs or has refused, or that has come and will be one of these. */
  #has(): string {
    const { tried_digest, digest = "" } = this.#told?.facts.config ?? {};
    return this.#document?.digest ?? tried_digest ?? digest;
  }

  async #bodyOf(directive: Directive, signal: AbortSignal): Promise<string | undefined> {
    if (directive.body !== undefined) return directive.body;
    // An old one needs no body to be refused.
    const current = this.#options.book.current(directive.scope);
    if (current !== undefined && !this.#options.book.wants(directive)) return current.body;
    // Written again, so that it holds for longer: it says what it said.
    if (current !== undefined && digestOf(current.body) === directive.digest) return current.body;
    return this.fetch(directive.digest, signal);
  }
}

const CLOSED: End = { kind: "closed" };
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

function isSame(a: DirectiveNews, b: DirectiveNews): boolean {
  return a.scope === b.scope && a.epoch === b.epoch && a.seq === b.seq;
}
