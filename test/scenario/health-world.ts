import { parseDuration } from "../../src/core/units.ts";
import type { Batch, TargetClient } from "../../src/data/export/target-client.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { SIGNALS } from "../../src/otlp/signal.ts";
import { openTargets, type Targets } from "../../src/data/export/targets.ts";
import type { TargetHandle } from "../../src/data/export/target-port.ts";
import type { Check } from "../../src/data/health/check.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import type { Log, LogFields } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { CALLS_ALONE, targetPlan, TEST_CONNECTION } from "../delivery/pool-rig.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { NO_HEADERS } from "../../src/plan/sender-headers.ts";

const BATCH: Batch = { signal: "traces", pieces: [], bytes: 100, items: 10, points: 10, headers: NO_HEADERS };
const ACCEPTED: SendOutcome = { kind: "accepted", rejected: 0, message: "" };
const REFUSED: SendOutcome = {
  kind: "rejected",
  code: "HTTP 500",
  message: "HTTP 500",
  badData: false,
  perhapsData: true,
};
const ELSEWHERE: SendOutcome = { kind: "elsewhere", code: "HTTP 404", message: "HTTP 404" };
const TIMEOUT_MS = 5_000;
const ANSWER_MS = 5;
const STEP_MS = 10;

/** How a target treats what comes: calls, and checks unless it treats them otherwise. */
type Behaviour =
  | { readonly kind: "works"; readonly tookMs: number }
  | { readonly kind: "killed" | "hangs" | "fails" | "half" | "refuses" | "elsewhere" | "only traces" }
  | { readonly kind: "bad data"; readonly every: number }
  | { readonly kind: "throttles"; readonly afterMs: number };

interface Actor {
  behaviour: Behaviour;
  /** undefined: as calls. */
  checks: Behaviour | undefined;
  everyMs: number | undefined;
  nextMs: number;
  nth: number;
  sent: number;
  failed: number;
  asked: number;
  /** In a row. */
  refusedChecks: number;
}

/**
 * Real targets with real health on a moved clock; their peers and their checks do as the scenario
 * says.
 */
export class HealthWorld {
  readonly #clock = new ManualClock();
  readonly #actors = new Map<string, Actor>();
  readonly #plans = new Map<string, TargetPlan>();
  readonly #events: string[] = [];
  #targets: Targets | undefined;

  /**
   * Runs one command; gives what happened because of it, a line for each. Throws for what it does
   * not know.
   */
  run(command: string): readonly string[] {
    const [verb = "", ...words] = command.split(/\s+/u);
    if (verb === "targets" || verb === "add") this.#open(words);
    else if (verb === "wait") this.#wait(duration(words[0]));
    else if (verb === "show") this.#show(words);
    else if (verb === "remove") this.#remove(words);
    else if (verb === "change") this.#change(words);
    else this.#tell(verb, words.join(" "));
    return this.#events.splice(0);
  }

  #open(words: readonly string[]): void {
    for (const word of words) this.#actors.set(this.#plan(word), newActor());
    this.#update();
  }

  /** Another config for targets that are there. */
  #change(words: readonly string[]): void {
    for (const word of words) this.#plan(word);
    this.#update();
  }

  #plan(word: string): string {
    const [, id = "", check = "default"] = /^(\w+)(?:\((\w+)\))?$/u.exec(word) ?? unknown(word);
    this.#plans.set(id, planOf(id, check));
    return id;
  }

  #remove(ids: readonly string[]): void {
    for (const id of ids) this.#plans.delete(id);
    this.#update();
  }

  #update(): void {
    const log = recorder((line) => this.#events.push(`${this.#now()} ${line}`));
    // Exactly the middle of what chance may do.
    const random = { next: () => 0.5 };
    this.#targets ??= openTargets(new Map(this.#plans), {
      clock: this.#clock,
      random,
      metrics: createMetrics(),
      log,
      openClient: (current) => this.#client(() => current().id),
      openCheck: (_check, current) => this.#check(() => current().id),
    });
    this.#targets.update(new Map(this.#plans));
  }

  /** `a hangs`, `a drain for 10m: a note`. */
  #tell(id: string, what: string): void {
    const actor = this.#actors.get(id) ?? unknown(id);
    const override = /^(drain|maintenance|ready)(?: for (\w+))?(?:: (.*))?$/u.exec(what);
    const traffic = /^gets a batch every (\w+)$/u.exec(what);
    const checks = /^checks: (.*)$/u.exec(what);
    if (override !== null) {
      const untilMs = override[2] === undefined ? undefined : this.#clock.wallMs() + duration(override[2]);
      const state = override[1] as "drain" | "maintenance" | "ready"; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the pattern says so
      this.#handle(id).operate({ state, untilMs, note: override[3] ?? "" });
    } else if (traffic !== null) {
      actor.everyMs = duration(traffic[1]);
      actor.nextMs = this.#clock.nowMs();
    } else if (what === "gets nothing") actor.everyMs = undefined;
    else if (checks !== null) actor.checks = checks[1] === "as calls" ? undefined : behaviourOf(checks[1] ?? "");
    else if (what === "is tried") this.#send(id, actor);
    else actor.behaviour = behaviourOf(what);
  }

  #wait(ms: number): void {
    const endMs = this.#clock.nowMs() + ms;
    while (this.#clock.nowMs() < endMs) {
      for (const [id, actor] of this.#actors) this.#feed(id, actor);
      this.#clock.advance(STEP_MS);
    }
    for (const [id, actor] of this.#actors) {
      if (!this.#plans.has(id)) continue;
      const { sent, failed, asked } = actor;
      this.#events.push(`${id}: ${this.#handle(id).health().state}, ${sent} sent, ${failed} failed, ${asked} checks`);
      Object.assign(actor, { sent: 0, failed: 0, asked: 0 });
    }
  }

  /**
   * As a pool would: what is usable gets its batches, what probes gets one, and nothing else gets
   * anything.
   */
  #feed(id: string, actor: Actor): void {
    const nowMs = this.#clock.nowMs();
    if (actor.everyMs === undefined || nowMs < actor.nextMs || !this.#plans.has(id)) return;
    actor.nextMs += actor.everyMs;
    const target = this.#handle(id);
    const allowed = target.usable(nowMs, "traces")
      ? target.inFlight < target.windowSize()
      : target.wantsProbe("traces");
    if (allowed) this.#send(id, actor);
  }

  #send(id: string, actor: Actor): void {
    actor.sent++;
    this.#handle(id).send(
      BATCH,
      { timeoutMs: TIMEOUT_MS, cut: false },
      () => true,
      (outcome) => {
        if (outcome.kind !== "accepted") actor.failed++;
      },
    );
  }

  #show(ids: readonly string[]): void {
    const nowMs = this.#clock.nowMs();
    for (const id of ids) {
      const target = this.#handle(id);
      const { check } = target;
      const [health, nextTryMs, override] = [target.health(), target.nextTryMs(), target.override()];
      const parts = [`${health.state} (${health.reason}) since ${seconds(health.sinceMs)}`];
      if (health.state === "ready") parts.push(`share ${Math.round(100 * target.share(nowMs))} %`);
      if (nextTryMs !== undefined) parts.push(`next try ${seconds(nextTryMs)}`);
      if (override?.untilMs !== undefined)
        parts.push(`until ${seconds(nowMs + override.untilMs - this.#clock.wallMs())}`);
      if (override !== undefined && override.note !== "") parts.push(`"${override.note}"`);
      if (check !== undefined) parts.push(`last check ${check.result}`);
      this.#events.push(`${id}: ${parts.join(", ")}`);
    }
  }

  #client(id: () => string): TargetClient {
    const send = (_batch: Batch, timeoutMs: number, done: (outcome: SendOutcome) => void): (() => void) => {
      const actor = this.#actors.get(id()) ?? unknown(id());
      return this.#answer(actor, actor.behaviour, timeoutMs, done);
    };
    return { send, [Symbol.asyncDispose]: async () => undefined };
  }

  #check(id: () => string): Check {
    return {
      run: (timeoutMs, done) => {
        const actor = this.#actors.get(id()) ?? unknown(id());
        actor.asked++;
        const signal = SIGNALS[actor.asked % SIGNALS.length]!;
        const asTold = actor.checks ?? actor.behaviour;
        const isAway = asTold.kind === "only traces" && signal !== "traces";
        return this.#answer(actor, isAway ? { kind: "elsewhere" } : asTold, timeoutMs, (outcome) => {
          const refused = outcome.kind === "elsewhere";
          const throttled = outcome.kind === "retry" && outcome.reason === "throttled";
          // As the real one: who takes none of the signals has failed.
          actor.refusedChecks = refused ? actor.refusedChecks + 1 : 0;
          const passed = outcome.kind === "accepted" || throttled || (refused && actor.refusedChecks < SIGNALS.length);
          done({
            result: passed ? "passed" : "failed",
            said: "",
            ...(outcome.kind !== "retry" && { asked: { signal, elsewhere: refused } }),
          });
        });
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  #answer(actor: Actor, behaviour: Behaviour, timeoutMs: number, done: (outcome: SendOutcome) => void): () => void {
    const [afterMs, outcome] = answerOf(behaviour, timeoutMs, actor.nth++);
    return this.#clock.after(afterMs, () => done(outcome));
  }

  #handle(id: string): TargetHandle {
    return this.#targets?.all.get(id) ?? unknown(id);
  }

  #now(): string {
    return seconds(this.#clock.nowMs());
  }
}

function answerOf(behaviour: Behaviour, timeoutMs: number, nth: number): [afterMs: number, outcome: SendOutcome] {
  switch (behaviour.kind) {
    case "works":
      return [behaviour.tookMs, ACCEPTED];
    case "killed":
      return [1, retry("connect")];
    case "hangs":
      return [timeoutMs, retry("timeout")];
    case "half":
      return [ANSWER_MS, nth % 2 === 0 ? ACCEPTED : retry("unavailable")];
    case "only traces":
      return [ANSWER_MS, ACCEPTED];
    case "elsewhere":
      return [ANSWER_MS, ELSEWHERE];
    case "refuses":
      return [ANSWER_MS, REFUSED];
    case "bad data":
      return [ANSWER_MS, nth % behaviour.every === 0 ? REFUSED : ACCEPTED];
    case "throttles":
      return [ANSWER_MS, { ...retry("throttled"), afterMs: behaviour.afterMs }];
    default:
      return [ANSWER_MS, retry("unavailable")];
  }
}

function retry(reason: Extract<SendOutcome, { kind: "retry" }>["reason"]): Extract<SendOutcome, { kind: "retry" }> {
  return { kind: "retry", reason, message: reason, unprocessed: false };
}

function behaviourOf(text: string): Behaviour {
  const throttles = /^asks for (\w+) of rest$/u.exec(text);
  const slow = /^takes (\w+)$/u.exec(text);
  const stumbles = /^refuses every (\d+)th$/u.exec(text);
  if (stumbles !== null) return { kind: "bad data", every: Number(stumbles[1]) };
  if (text === "take only traces") return { kind: "only traces" };
  if (text === "answers 404") return { kind: "elsewhere" };
  if (text === "refuses") return { kind: "refuses" };
  if (throttles !== null) return { kind: "throttles", afterMs: duration(throttles[1]) };
  if (slow !== null) return { kind: "works", tookMs: duration(slow[1]) };
  if (text === "works") return { kind: "works", tookMs: ANSWER_MS };
  if (text === "is killed") return { kind: "killed" };
  if (text === "hangs") return { kind: "hangs" };
  if (text === "fails") return { kind: "fails" };
  if (text === "fails half") return { kind: "half" };
  return unknown(text);
}

/** `check` is `default` (nobody wrote one), `written`, or `none`. */
function planOf(id: string, check: string): TargetPlan {
  const common = { type: "otlp", url: `http://${id}:4317`, path: "/health", service: "", headers: {} } as const;
  const connection = TEST_CONNECTION;
  const times = { intervalMs: 10_000, timeoutMs: 5_000, fall: 3, rise: 2 };
  const written = check === "none" ? undefined : { ...common, connection, ...times, written: check === "written" };
  return targetPlan(id, { health: { ...CALLS_ALONE, check: written } });
}

function newActor(): Actor {
  const behaviour: Behaviour = { kind: "works", tookMs: ANSWER_MS };
  const counts = { nth: 0, sent: 0, failed: 0, asked: 0, refusedChecks: 0 };
  return { behaviour, checks: undefined, everyMs: undefined, nextMs: 0, ...counts };
}

/** Only changes of state, and of the signals that they take, are logged by targets. */
function recorder(told: (line: string) => void): Log {
  const line = (message: string, fields: LogFields = {}): void =>
    told(
      fields["from"] === undefined
        ? `${String(fields["target"])}: ${message}${fields["signal"] === undefined ? "" : ` (${String(fields["signal"])})`}`
        : `${String(fields["target"])}: ${String(fields["from"])} -> ${String(fields["to"])} (${String(fields["reason"])})`,
    );
  const log: Log = { debug: line, info: line, warn: line, error: line, child: () => log, limited: () => log };
  return log;
}

function duration(text: string | undefined): number {
  return parseDuration(text ?? "") ?? unknown(text ?? "");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)}s`;
}

function unknown(what: string): never {
  throw new Error(`a scenario does not know what "${what}" is`);
}
