import { seededRandom } from "../../src/core/random.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import type { Check } from "../../src/data/health/check.ts";
import { requestOf } from "../support/items.ts";
import { ACCEPTED, type Carried, Rig } from "./ledger-rig.ts";

export const TARGETS = ["bad", "b", "c", "d"];
export const ANSWER_MS = 4;
/** Enough for a hash of them to give each target its part. */
const SERVICES = 500;

/** What a target does with the nth call that it gets since it behaves so. */
export interface Behaviour {
  readonly tookMs: number;
  readonly outcome: (nth: number) => SendOutcome;
  /** How its checks end; passed when left out. */
  readonly check?: () => "passed" | "failed";
}

export const WORKS: Behaviour = { tookMs: ANSWER_MS, outcome: () => ACCEPTED };

/** One who sends again after it was answered. */
interface Sender {
  waitsFor: Carried | undefined;
  sentMs: number;
  nextMs: number;
}

/**
 * Four targets of one pool and their senders on a moved clock, one target of which may behave as it
 * likes.
 */
export class TargetWorld implements AsyncDisposable {
  readonly rig: Rig;
  readonly #random = seededRandom(1);
  #bad = WORKS;
  #nth = 0;
  /** Calls by target since `shares`. */
  readonly #calls = new Map<string, number>();
  readonly #sent: Carried[] = [];
  readonly #senders: Sender[] = [];
  /** Of the requests that were answered since `shares`. */
  #tookMs: number[] = [];
  #answered = 0;

  /** `more` is what each target says besides. */
  constructor(strategy: string, more = "") {
    const targets = TARGETS.map((id, i) => `{ id: ${id}, endpoint: "http://127.0.0.1:${i + 1}"${more} }`);
    const pool = `{ targets: [${TARGETS.join(", ")}], strategy: ${strategy} }`;
    const text = `targets: [${targets.join(", ")}]\npools: { p: ${pool} }\ndefault_pool: p\n`;
    this.rig = new Rig(text, { openCheck: (_check, current) => this.#check(() => current().id) });
  }

  /** From now on. */
  set bad(behaviour: Behaviour) {
    this.#bad = behaviour;
    this.#nth = 0;
  }

  /** A request of one span each `stepMs`, whatever becomes of those before. */
  run(ms: number, stepMs: number): void {
    for (let spent = 0; spent < ms; spent += stepMs) {
      this.#send();
      this.#pass(stepMs);
    }
  }

  /** So many senders, each of which sends up to 8 ms after it was answered, for this long. */
  load(ms: number, senders = 12): void {
    const { clock } = this.rig;
    while (this.#senders.length < senders)
      this.#senders.push({ waitsFor: undefined, sentMs: 0, nextMs: clock.nowMs() });
    for (let spent = 0; spent < ms; spent++) {
      for (const sender of this.#senders) this.#proceed(sender);
      this.#pass(1);
    }
  }

  /** Loads until it is so; false when it was not within the time. */
  loadUntil(holds: () => boolean, withinMs: number): boolean {
    const { clock } = this.rig;
    for (const endMs = clock.nowMs() + withinMs; !holds(); this.load(10)) if (clock.nowMs() >= endMs) return false;
    return true;
  }

  /** Share of the calls since the last time that went to each target, in the order of TARGETS. */
  shares(): number[] {
    const counts = TARGETS.map((id) => this.#calls.get(id) ?? 0);
    const all = counts.reduce((a, b) => a + b, 0);
    this.#calls.clear();
    this.#tookMs = [];
    return counts.map((count) => count / all);
  }

  /** This part of the requests answered since `shares` took no longer. */
  tookMs(part: number): number {
    return this.#tookMs.toSorted((a, b) => a - b)[Math.floor(this.#tookMs.length * part)] ?? Infinity;
  }

  /** Calls to the bad one since `shares`. */
  get badCalls(): number {
    return this.#calls.get("bad") ?? 0;
  }

  states(): string[] {
    return TARGETS.map((id) => this.rig.pools.targets.get(id)!.health().state);
  }

  /** Times that a target entered one of these states. */
  entered(id: string, ...states: readonly string[]): number {
    const all = [...this.rig.env.metrics.targetTransitions.series.values()];
    const some = all.filter(({ labels: [target, , to] }) => target === id && states.includes(to ?? ""));
    return some.reduce((sum, { series: { value } }) => sum + value, 0);
  }

  /** Requests that were refused. */
  get failed(): number {
    return this.#sent.filter(({ replies: [reply] }) => reply?.ok === false).length;
  }

  /** Why requests were refused: each reason once. */
  refusals(): string[] {
    const reasons = this.#sent.flatMap(({ replies }) => replies.map((reply) => (reply.ok ? "" : reply.refusal.reason)));
    return [...new Set(reasons)].filter((reason) => reason !== "").toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
  }

  #send(): Carried {
    const span = { name: "span", service: `service ${this.#sent.length % SERVICES}` };
    const carried = this.rig.handle("traces", requestOf("traces", [span]));
    this.#sent.push(carried);
    return carried;
  }

  #proceed(sender: Sender): void {
    const nowMs = this.rig.clock.nowMs();
    if (sender.waitsFor !== undefined) {
      if (sender.waitsFor.replies.length === 0) return;
      this.#tookMs.push(nowMs - sender.sentMs);
      sender.waitsFor = undefined;
      sender.nextMs = nowMs + 8 * this.#random.next();
    }
    if (nowMs < sender.nextMs) return;
    sender.waitsFor = this.#send();
    sender.sentMs = nowMs;
  }

  #pass(ms: number): void {
    this.#takeCalls();
    this.rig.advance(ms);
    this.#takeCalls();
  }

  #takeCalls(): void {
    const { calls, clock } = this.rig;
    for (; this.#answered < calls.length; this.#answered++) {
      const call = calls[this.#answered]!;
      this.#calls.set(call.target, (this.#calls.get(call.target) ?? 0) + 1);
      const { tookMs, outcome } = call.target === "bad" ? this.#bad : WORKS;
      const answer = outcome(call.target === "bad" ? this.#nth++ : 0);
      clock.after(Math.min(tookMs, call.timeoutMs), () => call.answer(answer));
    }
  }

  #check(id: () => string): Check {
    const run: Check["run"] = (_timeoutMs, done) =>
      this.rig.clock.after(1, () => done({ result: (id() === "bad" && this.#bad.check?.()) || "passed", said: "" }));
    return { run, [Symbol.asyncDispose]: async () => undefined };
  }
}
