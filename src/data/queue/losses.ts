import { truncate } from "../../core/truncate.ts";
import type { Cancel } from "../../core/clock.ts";
import type { Reason } from "../../core/reason.ts";
import { type Seen, UNSEEN } from "../../otlp/any-value.ts";
import { firstAttributes } from "../../otlp/first-attributes.ts";
import type { DropSample, LossStatus } from "../../plan/data-plane.ts";
import type { Env } from "../../telemetry/env.ts";
import { redact } from "../../telemetry/redact.ts";

/** Items that reached nobody, of one rule in one parcel. */
interface Loss extends Omit<DropSample, "atMs" | "items" | "attributes"> {
  readonly points: number;
  /** Of the parcel; borrowed. */
  readonly pieces: readonly Uint8Array[];
}

/** The first loss of its kind is logged at once, those after it together, once in this time. */
const LOG_MS = 10_000;
/** One sample of each kind in this time. */
const SAMPLE_MS = 1_000;
/** Pools, targets and kinds that are remembered each; the oldest is forgotten first. */
const MAX_REMEMBERED = 1_000;
const MAX_SAMPLES = 200;
const MAX_ATTRIBUTES = 8;
const MAX_SAID = 512;
const MAX_VALUE = 128;

/** For whoever has nobody to tell. */
export const NO_LOSSES: Pick<Losses, "tell"> = { tell: () => undefined };

/** Losses of one pool, target and reason. */
interface LossKind {
  readonly pool: string;
  readonly target: string;
  readonly reason: Reason;
  said: string;
  /** Not logged yet. */
  items: number;
  loggedMs: number;
  sampledMs: number;
}

/**
 * Told of what was acknowledged and is lost, and of what is dropped: who needs to know hears of it
 * from here.
 */
export class Losses implements Disposable {
  readonly #env: Pick<Env, "clock" | "log" | "metrics">;
  readonly #kinds = new Map<string, LossKind>();
  readonly #pools = new Map<string, LossStatus>();
  readonly #targets = new Map<string, LossStatus>();
  /** Oldest first. */
  readonly #samples: DropSample[] = [];
  #timer: Cancel | undefined;

  constructor(env: Pick<Env, "clock" | "log" | "metrics">) {
    this.#env = env;
  }

  /** Newest first. */
  get samples(): readonly DropSample[] {
    return this.#samples.toReversed();
  }

  ofPool(name: string): LossStatus | undefined {
    return this.#pools.get(name);
  }

  ofTarget(id: string): LossStatus | undefined {
    return this.#targets.get(id);
  }

  tell(loss: Loss): void {
    const kind = this.#kindOf(loss);
    const nowMs = this.#env.clock.nowMs();
    if (nowMs >= kind.sampledMs + SAMPLE_MS) {
      kind.sampledMs = nowMs;
      this.#samples.push(sampleOf(loss, this.#env.clock.wallMs()));
      if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    }
    if (!loss.acknowledged) return;
    this.#env.metrics.lostItems.with(loss.reason).add(loss.points);
    kind.items += loss.points;
    kind.said = truncate(loss.said, MAX_SAID);
    this.#remember(this.#pools, loss.pool, loss);
    if (loss.target !== "") this.#remember(this.#targets, loss.target, loss);
    if (nowMs >= kind.loggedMs + LOG_MS) this.#log(kind, nowMs);
    else this.#timer ??= this.#env.clock.after(LOG_MS, () => this.#flush());
  }

  /** Logs what was not logged yet. */
  [Symbol.dispose](): void {
    this.#timer?.();
    this.#flush();
  }

  #flush(): void {
    this.#timer = undefined;
    const nowMs = this.#env.clock.nowMs();
    for (const kind of this.#kinds.values()) if (kind.items > 0) this.#log(kind, nowMs);
  }

  #log(kind: LossKind, nowMs: number): void {
    const { pool, target, reason, items, said } = kind;
    kind.items = 0;
    kind.loggedMs = nowMs;
    this.#env.log.error("items that were acknowledged are lost", { pool, target, reason, items, said });
  }

  #kindOf({ pool, target, reason }: Loss): LossKind {
    const key = `${pool}\u0000${target}\u0000${reason}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const kind = { pool, target, reason, said: "", items: 0, loggedMs: -Infinity, sampledMs: -Infinity };
    this.#kinds.set(key, kind);
    if (this.#kinds.size > MAX_REMEMBERED) {
      const [oldest, its] = firstOf(this.#kinds);
      if (its.items > 0) this.#log(its, this.#env.clock.nowMs());
      this.#kinds.delete(oldest);
    }
    return kind;
  }

  #remember(all: Map<string, LossStatus>, name: string, { reason, target, said, points }: Loss): void {
    const items = (all.get(name)?.items ?? 0) + points;
    all.set(name, { items, reason, target, said: truncate(said, MAX_SAID), atMs: this.#env.clock.wallMs() });
    if (all.size > MAX_REMEMBERED) all.delete(firstOf(all)[0]);
  }
}

function firstOf<Value>(map: ReadonlyMap<string, Value>): [string, Value] {
  for (const entry of map) return entry;
  throw new TypeError("the map is empty");
}

function sampleOf(loss: Loss, atMs: number): DropSample {
  const { signal, rule, pool, target, reason, said, points, acknowledged, pieces } = loss;
  const first = firstAttributes(pieces[0] ?? new Uint8Array(0), MAX_ATTRIBUTES);
  const attributes = Object.fromEntries(
    first.map(([key, value]) => {
      const name = truncate(key, MAX_VALUE);
      return [name, redact(name, shown(value))];
    }),
  );
  const words = String(redact("said", truncate(said, MAX_SAID)));
  return { atMs, signal, rule, pool, target, reason, said: words, items: points, acknowledged, attributes };
}

function shown(value: Seen): unknown {
  if (typeof value === "string") return truncate(value, MAX_VALUE);
  return value === UNSEEN || typeof value === "object" ? truncate(describe(value), MAX_VALUE) : value;
}

function describe(value: Extract<Seen, object | symbol>): string {
  return value === UNSEEN ? "..." : `[${value.length} values]`;
}
