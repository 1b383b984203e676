import { systemClock } from "../../src/core/clock.ts";
import type { Cancel } from "../../src/core/clock.ts";
import { answerParent, argumentsOf, tellParent } from "../messages.ts";
import { ATTACKS } from "./attacks.ts";
import type { Attack, Step } from "./attacks.ts";
import { Line } from "./line.ts";
import type { AttackerArguments, AttackerReport, AttackerRequest, AttackOutcome } from "./messages.ts";

/**
 * The attacker's process: does one attack at a time, at bounded rates, and comes again whenever it
 * is thrown out.
 */
const options = argumentsOf<AttackerArguments>();
const TICK_MS = 1;
/** What a late tick may make up for. */
const MAX_CATCH_UP_MS = 10;

let run: Run | undefined;
answerParent(answer);
tellParent({ kind: "ready" } satisfies AttackerReport);

function answer(request: AttackerRequest): AttackerReport {
  if (request.kind === "stop") {
    const ended = run;
    run = undefined;
    if (ended === undefined) throw new Error("no attack to stop");
    return ended.stop();
  }
  const attack = ATTACKS.find(({ name }) => name === request.attack);
  if (attack === undefined) throw new Error(`no attack is named ${request.attack}`);
  run = new Run(attack);
  return { kind: "started" };
}

class Run {
  readonly #attack: Attack;
  readonly #lines = new Map<Line, () => Step | undefined>();
  readonly #got = new Map<string, number>();
  #frames = 0;
  #bytes = 0;
  #connections = 0;
  #missing: number;
  /** What may be done now: frames, bytes, connections. */
  #mayFrames = 0;
  #mayBytes = 0;
  #mayOpen: number;
  #lastMs = systemClock.nowMs();
  #cancel: Cancel = () => undefined;

  constructor(attack: Attack) {
    this.#attack = attack;
    this.#missing = attack.connections;
    this.#mayOpen = attack.connections;
    this.#tick();
  }

  stop(): AttackOutcome {
    this.#cancel();
    for (const line of this.#lines.keys()) line.destroy();
    return {
      kind: "outcome",
      frames: this.#frames,
      bytes: this.#bytes,
      connections: this.#connections,
      got: Object.fromEntries(this.#got),
    };
  }

  #tick(): void {
    this.#earn();
    while (this.#missing > 0 && this.#mayOpen >= 1) this.#open();
    while (this.#mayFrames > 0 && this.#mayBytes > 0 && this.#round());
    this.#cancel = systemClock.after(TICK_MS, () => this.#tick());
  }

  #earn(): void {
    const nowMs = systemClock.nowMs();
    const elapsedMs = Math.min(MAX_CATCH_UP_MS, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    const { framesPerSecond, bytesPerSecond, reconnectsPerSecond } = options;
    const earned = (may: number, perSecond: number): number => Math.min(0, may) + (elapsedMs * perSecond) / 1_000;
    this.#mayFrames = earned(this.#mayFrames, framesPerSecond);
    this.#mayBytes = earned(this.#mayBytes, bytesPerSecond);
    this.#mayOpen = Math.min(this.#attack.connections, this.#mayOpen + (elapsedMs * reconnectsPerSecond) / 1_000);
  }

  /** One step on each connection; false when none had one. */
  #round(): boolean {
    let any = false;
    for (const [line, next] of this.#lines) {
      if (this.#mayFrames <= 0 || this.#mayBytes <= 0) break;
      const step = line.usable ? next() : undefined;
      if (step === undefined) continue;
      any = true;
      this.#mayFrames -= step.frames;
      if (step.bytes.length === 0) continue; // a step of waiting
      this.#mayBytes -= step.bytes.length;
      this.#frames += step.frames;
      this.#bytes += step.bytes.length;
      line.write(step.bytes);
    }
    return any;
  }

  #open(): void {
    this.#missing--;
    this.#mayOpen--;
    this.#connections++;
    const { settings = [], reads = true } = this.#attack;
    const line = new Line({
      port: options.port,
      settings,
      reads,
      got: (what) => this.#got.set(what, (this.#got.get(what) ?? 0) + 1),
      lost: (lost) => {
        this.#lines.delete(lost);
        this.#missing++;
      },
    });
    // What an attack begins with is written when it may first write.
    let next: (() => Step | undefined) | undefined;
    this.#lines.set(line, () => {
      next ??= this.#attack.begin(line);
      return next();
    });
  }
}
