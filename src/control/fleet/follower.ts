import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { isOver } from "../../core/is-over.ts";
import type { Env } from "../../telemetry/env.ts";
import type { CallOutcome, ControllerLink, OpenControllerLink } from "./controller-link.ts";
import type { DirectiveBook } from "./directive-book.ts";
import { FollowedController, type FollowEnd } from "./followed-controller.ts";
import type { FollowerObserver, ReportFacts } from "./follower-ports.ts";
import type { MemberFollower } from "./member-follower.ts";
import { type ControllerAddress, FLEET_PROTOCOL, type ReportReply } from "./messages.ts";
import { reconnectDelayMs } from "./reconnect.ts";

export interface FollowerOptions extends Pick<Env, "clock" | "log" | "random"> {
  readonly identity: FollowerIdentity;
  readonly openLink: OpenControllerLink;
  /**
   * Asks the store who controls this region: whoever leads it first, then those who may know who
   * does. Throws as the store does.
   */
  readonly lookUp: (signal: AbortSignal) => Promise<readonly ControllerAddress[]>;
  /**
   * Who leads by a watch that the node has open anyway, as controllers have; else unknown. Of a
   * store that is not to be believed: nobody.
   */
  readonly leader?: (() => ControllerAddress | undefined) | undefined;
  readonly book: DirectiveBook;
  /** Which members of the fleet this node looks for; none: for nobody. */
  readonly members?: MemberFollower | undefined;
  /** What this node tells of itself at the moment. */
  readonly facts: () => ReportFacts | Promise<ReportFacts>;
  /** Whether the offered rate has left what was told by so much that it is told at once. */
  readonly isNews: (told: ReportFacts, toldMs: number, nowMs: number) => boolean;
  /** Told what a Report was answered with, before the next one is made. */
  readonly answered?: ((told: ReportFacts, reply: ReportReply) => void) | undefined;
  readonly observer: FollowerObserver;
  readonly reportIntervalMs: number;
}

interface FollowerIdentity {
  readonly id: string;
  readonly region: string;
  /** Of this start. */
  readonly incarnation: string;
}

/** How a node stands to its controller, for people. */
export interface FollowerStatus {
  /** `alone`: nobody has answered for so long that the store is asked again. */
  readonly state: "alone" | "following" | "looking";
  readonly controller: ControllerAddress | undefined;
  /** `2.4711`, as the controller tells it. */
  readonly epoch: string | undefined;
  /** How many report to it. */
  readonly collectors: number;
  /** Since the last Report that was answered; undefined: none was. */
  readonly heardMsAgo: number | undefined;
  /** Why it does not follow now. */
  readonly reason: string | undefined;
}

/** Without a controller for so long the store is read again. */
const ALONE_AFTER_MS = 30_000;
/** All of a region read it again: within so long, each at another moment. */
const POLL_AGAIN_MS = 30_000;
const GOODBYE_MS = 1_000;
/** How often it is looked whether the watch names another leader. */
const POLL_MS = 250;
/** A store that has not answered by then has much to do: the watch may name the leader sooner. */
const SLOW_MS = 1_000;

/**
 * The collector's side: finds its region's controller in the store, once, and from then on has all
 * from the controller. Runs until it is disposed, which says goodbye.
 */
export class ControllerFollower implements AsyncDisposable {
  readonly #options: FollowerOptions;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #followed: FollowedController | undefined;
  #link: ControllerLink | undefined;
  #seq = 0;
  /** Whom the watch has named last, or who was followed: that one is no news. */
  #named: string | undefined;
  #collectors = 1;
  #reason: string | undefined = "it has not been looked for yet";
  #isAlone = false;
  /** By the monotonic clock. */
  #heardMs: number | undefined;
  #lostMs: number;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#lostMs = options.clock.nowMs();
    this.#ended = this.#run();
  }

  get status(): FollowerStatus {
    const followed = this.#followed;
    const nowMs = this.#options.clock.nowMs();
    return {
      state: followed !== undefined ? "following" : this.#isAlone ? "alone" : "looking",
      controller: followed?.controller,
      epoch: followed?.epoch,
      collectors: this.#collectors,
      heardMsAgo: this.#heardMs === undefined ? undefined : nowMs - this.#heardMs,
      reason: followed === undefined ? this.#reason : undefined,
    };
  }

  /** A body by its digest, of whoever is followed now. Undefined: nobody has it at the moment. */
  async fetch(digest: string, signal: AbortSignal): Promise<string | undefined> {
    return await this.#followed?.fetch(digest, signal);
  }

  /** A Report goes out now: something has become of a config, for example. */
  reportNow(): void {
    this.#followed?.reportNow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing.signal.aborted) await this.#goodbye();
    this.#closing.abort(new RouterError("SHUTDOWN", "the controller is followed no more"));
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const controllers = await this.#find();
      if (controllers !== undefined) await this.#followAny(controllers);
    }
  }

  /** Undefined: it was ended. */
  async #find(): Promise<readonly ControllerAddress[] | undefined> {
    const { random, log } = this.#options;
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const controllers = await this.#lookUp();
        if (controllers.length > 0) return controllers;
        this.#reason = "the store names no controller of this region";
      } catch (cause) {
        if (isOver(signal)) return undefined;
        this.#reason = `the store: ${reasonOf(cause)}`;
      }
      this.#isAlone = true;
      log
        .limited("fleet-no-controller", 60_000)
        ?.warn("no controller is found: what was decided holds as long as it is valid", {
          kind: "member",
          reason: this.#reason,
        });
      const longestMs = Math.min(POLL_AGAIN_MS, 1_000 * 2 ** Math.min(attempt, 10));
      const named = await this.#pause(longestMs * (0.1 + 0.9 * random.next()), signal);
      if (named !== undefined) return [named];
    }
    return undefined;
  }

  /** Whoever has a watch waits for no store that takes its time: the node may lead by itself. */
  async #lookUp(): Promise<readonly ControllerAddress[]> {
    const { lookUp, leader, clock } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, over.signal]);
    const asked = lookUp(signal);
    if (leader === undefined) return asked;
    const named = async (): Promise<readonly ControllerAddress[]> => {
      await sleep(clock, SLOW_MS, signal).catch(() => undefined);
      const first = await this.#pause(Infinity, signal);
      return first === undefined ? asked : [first];
    };
    try {
      return await Promise.race([asked, named()]);
    } finally {
      over.abort(new RouterError("INTERRUPTED", "who leads is known"));
    }
  }

  /** Ends before its time, with the name, when the watch names somebody else. */
  async #pause(ms: number, signal: AbortSignal): Promise<ControllerAddress | undefined> {
    const { clock, leader } = this.#options;
    for (const endMs = clock.nowMs() + ms; ; ) {
      if (signal.aborted) return undefined;
      const named = leader?.();
      if (named !== undefined && named.id !== this.#named) {
        this.#named = named.id;
        return named;
      }
      const leftMs = endMs - clock.nowMs();
      if (leftMs <= 0) return undefined;
      const stepMs = leader === undefined ? leftMs : Math.min(POLL_MS, leftMs);
      await sleep(clock, stepMs, signal).catch(() => undefined);
    }
  }

  /**
   * One after the other, every few seconds, until nobody has answered for too long: not all of a
   * region read the store in the same moment, and who waits for that goes on asking.
   */
  async #followAny(controllers: readonly ControllerAddress[]): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#closing;
    const patienceMs = ALONE_AFTER_MS + POLL_AGAIN_MS * random.next();
    let hint: ControllerAddress | undefined;
    let turn = 0;
    /** Until its lease is over the others go on naming it. */
    let silent: string | undefined;
    this.#lostMs = clock.nowMs();
    let refusals = 0;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const next = hint ?? controllers[turn++ % controllers.length];
      if (next === undefined) return;
      const end = await this.#follow(next);
      if (isOver(signal)) return;
      if (end.wasHeard) {
        [attempt, this.#lostMs] = [0, clock.nowMs()];
        turn = 1 + controllers.findIndex(({ id }) => id === next.id);
        silent = undefined;
      } else if (end.kind === "unreachable") silent = next.id;
      hint = whomNext(next, end);
      if (hint?.id === silent) hint = undefined;
      this.#told(next, end);
      const aloneMs = clock.nowMs() - this.#lostMs;
      this.#isAlone ||= aloneMs >= ALONE_AFTER_MS;
      if (aloneMs >= patienceMs) return;
      // Who leads no more, or not yet, has refused nobody.
      const isRefused = end.kind === "refused";
      refusals = isRefused ? refusals + 1 : 0;
      const delayMs = isRefused
        ? reconnectDelayMs(refusals - 1, this.#collectors, random, "refused")
        : reconnectDelayMs(attempt, this.#collectors, random);
      hint = (await this.#pause(delayMs, signal)) ?? hint;
    }
  }

  /** Until it leads no more, or cannot be reached. */
  async #follow(controller: ControllerAddress): Promise<FollowEnd> {
    const { openLink, observer } = this.#options;
    const link = openLink(controller);
    this.#link = link;
    const followed = new FollowedController(link, {
      ...this.#options,
      nextSeq: () => ++this.#seq,
      heard: (collectors) => this.#heard(followed, collectors),
    });
    try {
      return await followed.run(this.#closing.signal);
    } finally {
      if (this.#followed === followed) observer.left(controller);
      this.#followed = undefined;
      this.#link = undefined;
      await link[Symbol.asyncDispose]();
    }
  }

  #heard(followed: FollowedController, collectors: number): void {
    const { clock, log, observer } = this.#options;
    this.#collectors = Math.max(1, collectors);
    this.#heardMs = clock.nowMs();
    this.#isAlone = false;
    if (this.#followed === followed) return;
    this.#followed = followed;
    this.#named = followed.controller.id;
    this.#reason = undefined;
    const { id, address } = followed.controller;
    observer.followed(followed.controller);
    log.info("a controller is followed", { kind: "member", controller: id, address, epoch: followed.epoch });
  }

  #told(controller: ControllerAddress, end: FollowEnd): void {
    const { log, observer } = this.#options;
    if (end.kind === "closed") return;
    this.#reason = end.kind === "not_leader" ? `${controller.id} leads no more` : end.reason;
    const told = {
      kind: "member" as const,
      controller: controller.id,
      address: controller.address,
      reason: this.#reason,
    };
    observer.lost(end.kind);
    if (end.kind === "refused") {
      const hint = "see node.fleet: token, tls and the node's id have to be what the controller expects";
      log.limited("fleet-refused", 60_000)?.error("the controller refuses this node", { ...told, why: end.why, hint });
    } else if (end.wasHeard) log.info("the controller is followed no more", told);
  }

  /** Whoever hears it need not wait until this node is missed. */
  async #goodbye(): Promise<void> {
    const { id, region, incarnation } = this.#options.identity;
    const { signal } = this.#closing;
    const request = { protocol: FLEET_PROTOCOL, id, region, incarnation };
    const said: CallOutcome<unknown> | undefined =
      this.#followed && (await this.#link?.call("goodbye", request, { signal, timeoutMs: GOODBYE_MS }));
    if (said?.kind === "reply") this.#options.observer.saidGoodbye();
  }
}

/**
 * Whoever loses its connection tries the same controller once more: where a network was away, all
 * of all regions would be with the leader of the fleet otherwise, who is the next that they know.
 */
function whomNext(asked: ControllerAddress, end: FollowEnd): ControllerAddress | undefined {
  if (end.kind === "not_leader") return end.leader;
  return end.kind === "unreachable" && end.wasHeard ? asked : undefined;
}
