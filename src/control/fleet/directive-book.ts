import type { Cancel, Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import { InTurn } from "../../core/in-turn.ts";
import { compareEpochs, type Epoch, parseEpoch } from "../../store/recipes/epoch.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { type Moment, momentOf, untilMs } from "../../store/session/moment.ts";
import { FLEET_BOUNDS } from "./bounds.ts";
import { type Directive, type DirectiveMark, digestOf, type KnownDirectives } from "./directive.ts";

/** What became of a directive that came. A closed list: label of a metric. */
const DIRECTIVE_VERDICTS = [
  "applied",
  /** It is what holds; it may hold for longer now. */
  "known",
  /** Whoever wrote it leads no more. */
  "older_epoch",
  /** Of the same leader, and overtaken. */
  "older_seq",
  /** Its time was over before it could be applied. */
  "expired",
  /** Its body is not what its digest says, or another one than what came with the same number. */
  "malformed",
  /** Its epoch could not be kept on disk: after a restart an older one would be obeyed. */
  "not_kept",
  /** More scopes than are kept. */
  "too_many",
] as const;
export type DirectiveVerdict = (typeof DIRECTIVE_VERDICTS)[number];

/** A directive that is to be obeyed, until `expired` is told or the next one of its scope. */
export interface StandingDirective extends DirectiveMark {
  readonly scope: string;
  readonly body: string;
}

interface DirectiveBookOptions {
  readonly clock: Clock;
  /** Keeps epochs over restarts. */
  readonly memory: Pick<FleetMemory, "offer" | "seen">;
  /** Must not throw. */
  readonly apply: (directive: StandingDirective) => void;
  /**
   * What holds no more, with nothing in its place: its scope narrows to its fallback. Must not
   * throw.
   */
  readonly expired: (directive: StandingDirective) => void;
  /** Told why an epoch could not be kept. */
  readonly onTrouble?: (reason: string) => void;
}

/** What was offered, with its body, which may have been fetched meanwhile. */
interface OfferedDirective {
  readonly directive: Directive;
  readonly body: string;
  /** When the request was sent that brought it: it is valid from then on. */
  readonly sent: Moment;
}

/** How often it is looked at the wall clock, which somebody may have set. */
const POLL_MS = 1_000;

interface BookLine {
  readonly standing: StandingDirective;
  readonly epoch: Epoch;
  readonly digest: string;
  readonly until: Moment;
  readonly isOver: boolean;
}

/**
 * Which directives hold, by scope. Nothing of a lower epoch is applied once a higher one was seen,
 * be it in another run of the process, and nothing after its time.
 */
export class DirectiveBook implements Disposable {
  readonly #options: DirectiveBookOptions;
  readonly #lines = new Map<string, BookLine>();
  readonly #turns = new InTurn();
  #cancel: Cancel | undefined;
  #isClosed = false;

  constructor(options: DirectiveBookOptions) {
    this.#options = options;
  }

  /** What holds, for Await and Report; what is over is to be told again. */
  known(): KnownDirectives {
    const known: Record<string, DirectiveMark> = {};
    for (const [scope, { standing }] of this.#standing()) known[scope] = { epoch: standing.epoch, seq: standing.seq };
    return known;
  }

  /** What is to be obeyed now. */
  current(scope: string): StandingDirective | undefined {
    this.#sweep();
    const line = this.#lines.get(scope);
    return line === undefined || line.isOver ? undefined : line.standing;
  }

  /** Until then it holds, by the clock that says less; 0: nothing does. */
  validForMs(scope: string): number {
    const line = this.#lines.get(scope);
    return line === undefined || line.isOver ? 0 : Math.max(0, untilMs(line.until, this.#now()));
  }

  /** Whether it would change anything, as far as can be told without its body. */
  wants({ scope, epoch, seq }: DirectiveMark & { readonly scope: string }): boolean {
    const offered = parseEpoch(epoch);
    if (offered === undefined || this.#isOlder(scope, offered)) return false;
    const line = this.#lines.get(scope);
    return line === undefined || line.isOver || compareMarks({ epoch: offered, seq }, line) > 0;
  }

  /** One after the other, in the order in which they came. */
  async offer(offered: OfferedDirective): Promise<DirectiveVerdict> {
    const done = await this.#turns.next();
    try {
      return await this.#take(offered);
    } finally {
      done();
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #take({ directive, body, sent }: OfferedDirective): Promise<DirectiveVerdict> {
    const { scope, digest, seq } = directive;
    const epoch = parseEpoch(directive.epoch);
    if (epoch === undefined || digestOf(body) !== digest) return "malformed";
    if (!this.#hasRoomFor(scope)) return "too_many";
    const kept = await this.#keep(scope, epoch);
    if (kept !== "kept") return kept;
    this.#sweep();
    const line = this.#lines.get(scope);
    const step = line === undefined ? 1 : compareMarks({ epoch, seq }, line);
    if (step < 0) return "older_seq";
    if (line !== undefined && step === 0 && line.digest !== digest) return "malformed";
    const until = { machineMs: sent.machineMs + directive.valid_for_ms, wallMs: sent.wallMs + directive.valid_for_ms };
    if (this.#isClosed || untilMs(until, this.#now()) <= 0) return "expired";
    return this.#set(line, step, {
      standing: { scope, epoch: directive.epoch, seq, body },
      epoch,
      digest,
      until,
      isOver: false,
    });
  }

  /**
   * What has been over longest makes room: that lower epochs are refused is remembered elsewhere.
   */
  #hasRoomFor(scope: string): boolean {
    if (this.#lines.has(scope) || this.#lines.size < FLEET_BOUNDS.scopes) return true;
    this.#sweep();
    for (const [other, { isOver }] of this.#lines) if (isOver) return this.#lines.delete(other);
    return false;
  }

  #set(before: BookLine | undefined, step: number, line: BookLine): DirectiveVerdict {
    const { scope } = line.standing;
    if (before !== undefined && !before.isOver && step === 0) {
      this.#lines.set(scope, { ...line, until: later(before.until, line.until) });
      this.#wake();
      return "known";
    }
    this.#lines.set(scope, line);
    this.#options.apply(line.standing);
    this.#wake();
    return "applied";
  }

  /** On disk before it counts. */
  async #keep(scope: string, epoch: Epoch): Promise<"kept" | "not_kept" | "older_epoch"> {
    try {
      return (await this.#options.memory.offer(scope, epoch)) === "older" ? "older_epoch" : "kept";
    } catch (cause) {
      this.#options.onTrouble?.(reasonOf(cause));
      return "not_kept";
    }
  }

  #isOlder(scope: string, epoch: Epoch): boolean {
    const seen = this.#options.memory.seen(scope);
    return seen !== undefined && compareEpochs(epoch, seen) < 0;
  }

  *#standing(): Generator<[string, BookLine]> {
    this.#sweep();
    for (const entry of this.#lines) if (!entry[1].isOver) yield entry;
  }

  /** Whatever is over is so from now on, also if the wall clock is set back. */
  #sweep(): void {
    const now = this.#now();
    const ended: [string, BookLine][] = [];
    for (const [scope, line] of this.#lines) {
      if (line.isOver || untilMs(line.until, now) > 0) continue;
      this.#lines.delete(scope);
      ended.push([scope, { ...line, isOver: true }]);
    }
    // Behind all others: of those that are over the first has been so for longest.
    for (const [scope, line] of ended) {
      this.#lines.set(scope, line);
      this.#options.expired(line.standing);
    }
  }

  #wake(): void {
    this.#cancel?.();
    const now = this.#now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { until, isOver } of this.#lines.values()) if (!isOver) nextMs = Math.min(nextMs, untilMs(until, now));
    if (this.#isClosed || nextMs === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#options.clock.after(Math.min(Math.max(0, nextMs), POLL_MS), () => {
      this.#sweep();
      this.#wake();
    });
  }

  #now(): Moment {
    return momentOf(this.#options.clock);
  }
}

function compareMarks(a: { readonly epoch: Epoch; readonly seq: number }, line: BookLine): number {
  const step = compareEpochs(a.epoch, line.epoch);
  return step === 0 ? a.seq - line.standing.seq : step;
}

/** Each of two tells how long it holds at least, by each clock. */
function later(a: Moment, b: Moment): Moment {
  return untilMs(b, a) > 0 ? b : a;
}
