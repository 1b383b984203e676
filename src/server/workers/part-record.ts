import type { ToldHandle } from "../../data/export/target-port.ts";
import { type Health, isUnproven } from "../../data/health/health.ts";
import type { ToldPart } from "../../data/health/told-health.ts";

/** Who may send the one probe of the node. */
interface ProbePermit {
  readonly worker: number;
  /** Of the state of health that it is for. */
  readonly epoch: number;
  /** Who has nothing to send in this time gives it back. */
  readonly holdMs: number;
  /** How often it was passed on. */
  readonly passes: number;
}

/**
 * So long a worker keeps the permit that has nothing to send; longer when nobody has, so that an
 * idle node is idle.
 */
const HOLD_MS = 100;
const MAX_HOLD_MS = 1_000;
/**
 * Where a pool has nothing better, each worker may try what is out: one after the other, so that
 * the first to find out tells the others before they do.
 */
const APART_MS = 50;

/** What the main process remembers of a target's address besides its health. */
export class PartRecord {
  permit: ProbePermit | undefined;
  /** The worker that told something last: it is likely to have something to send. */
  last = -1;
  readonly #underWay: number[] = [];
  #told = "";
  #health: Health | undefined;
  #refused = 0;
  #loadsHeard = 0;

  /** Calls under way in all workers, when it is so many in this one. */
  underWay(worker: number, calls: number): number {
    this.#underWay[worker] = calls;
    return this.#underWay.reduce((sum, count) => sum + count, 0);
  }

  /** What this worker told last was that some are under way. */
  hadCallsOf(worker: number): boolean {
    return (this.#underWay[worker] ?? 0) > 0;
  }

  /** To the next worker. */
  pass(ready: readonly number[]): void {
    const { permit } = this;
    if (permit === undefined) return;
    const next = ready.find((worker) => worker > permit.worker) ?? ready[0];
    if (next === undefined) return void (this.permit = undefined);
    const passes = permit.passes + 1;
    const holdMs = passes % ready.length === 0 ? Math.min(MAX_HOLD_MS, 2 * permit.holdMs) : permit.holdMs;
    this.permit = { ...permit, worker: next, passes, holdMs };
  }

  /** Whether workers have to be told something that they were not told. */
  refresh(part: ToldHandle, ready: readonly number[]): boolean {
    const health = part.health();
    this.#permitProbe(health, ready);
    const refused = part.refused();
    const { loadsHeard, plan } = part;
    const isQuiet = refused === 0 && this.#refused === 0 && health.state !== "probing";
    if (health === this.#health && isQuiet && loadsHeard === this.#loadsHeard) return false;
    this.#loadsHeard = loadsHeard;
    this.#health = health;
    this.#refused = refused;
    const refusals = part.refusals().map(({ signal, nextTryMs }) => `${signal} ${nextTryMs}`);
    // Of a member: one that is elsewhere now has a health of its own, which may look the same.
    const its = plan.member === undefined ? [] : [plan.url, loadsHeard];
    const told = [signatureOf(health), this.permit?.passes, this.permit?.worker, ...its, ...refusals].join(" ");
    const isChanged = told !== this.#told;
    this.#told = told;
    return isChanged;
  }

  #permitProbe(health: Health, ready: readonly number[]): void {
    if (health.state !== "probing") return void (this.permit = undefined);
    if (this.permit?.epoch === health.epoch) return;
    const worker = ready.includes(this.last) ? this.last : ready[0];
    this.permit = worker === undefined ? undefined : { worker, epoch: health.epoch, holdMs: HOLD_MS, passes: 0 };
  }
}

/** What one worker is told: one may probe, and who may try what is out does so in turn. */
export function toldTo(worker: number, told: ToldPart, permit: ProbePermit | undefined): ToldPart {
  const { health } = told;
  const refusals = told.refusals.map(({ signal, refusal }) => {
    return { signal, refusal: { ...refusal, nextTryMs: later(refusal.nextTryMs, worker) } };
  });
  switch (health.state) {
    case "ejected":
    case "down":
      return { ...told, refusals, health: { ...health, panicFromMs: later(health.panicFromMs, worker) } };
    case "probing": {
      if (health.probeOut) return { ...told, refusals };
      if (permit?.worker !== worker) return { ...told, refusals, health: { ...health, probeOut: true } };
      return { ...told, refusals, probeWithinMs: permit.holdMs };
    }
    default:
      return { ...told, refusals };
  }
}

function later(fromNowMs: number, worker: number): number {
  return worker === 0 ? fromNowMs : Math.max(0, fromNowMs) + worker * APART_MS;
}

/** Of that which changes without a new state. */
function signatureOf(health: Health): string {
  switch (health.state) {
    case "ready":
      return `${health.epoch} ${health.pausedUntilMs}`;
    case "ejected":
      return `${health.epoch} ${health.panicFromMs}`;
    case "down":
      return `${health.epoch} ${health.panicFromMs} ${isUnproven(health)}`;
    case "probing":
      return `${health.epoch} ${health.probeOut}`;
    default:
      return `${health.epoch} ${health.untilMs}`;
  }
}
