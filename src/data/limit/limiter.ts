import { type BodyMemory, type Extent, OWN_BODIES } from "../../core/arena/extent.ts";
import type { Refusal } from "../../core/reason.ts";
import { SampledItems } from "../../otlp/sampled-items.ts";
import type { Envelope } from "../../otlp/scan.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { LimitsExplanation } from "../../plan/explanation.ts";
import { DebtBucket } from "../../plan/limits/debt-bucket.ts";
import { type LimitKey, limitsKeys, type LimitsData } from "../../plan/limits/limits-plan.ts";
import type { LimitShares, LimitsUsage } from "../../plan/limits/limit-shares.ts";
import { retryDelayMs } from "../../plan/limits/retry-delay.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { Env } from "../../telemetry/env.ts";
import type { KeyBucket } from "./key-bucket.ts";
import { KeyBuckets } from "./key-buckets.ts";
import { LimitCounts } from "./limit-counts.ts";
import { limitsUsage } from "./limits-usage.ts";
import { Meter } from "./meter.ts";
import { overKey, overTotal, spentLimit, waitToTellMs } from "./over-limit.ts";
import { previewLimits } from "./preview-limits.ts";
import { RequestKeys } from "./request-keys.ts";

/** What became of a request: let in, let in without what is over, refused. */
export const LIMITED = { IN: 0, LESS: 1, REFUSED: 2 } as const;
export type Limited = (typeof LIMITED)[keyof typeof LIMITED];

/**
 * Stage limit, for all signals: lets in so many items a second, of everything together and of each
 * key, both of which must agree. A request is taken whole while there is a token; what it takes too
 * much is paid before the next one. One for the whole life of a data plane: plans come and go.
 */
export class Limiter {
  /** Of what was refused last. */
  refusal: Refusal | undefined;
  /** Of what was shed last: so many items, and why. */
  shedPoints = 0;
  shedMessage = "";
  readonly #env: Pick<Env, "clock" | "random">;
  readonly #counts: LimitCounts;
  #data: LimitsData;
  readonly #total: DebtBucket;
  readonly #offered = new Meter();
  readonly #admitted = new Meter();
  readonly #shed = new Meter();
  #shortMs = Number.NEGATIVE_INFINITY;
  #keys: KeyBuckets;
  /** Undefined: only everything together is limited. */
  #requestKeys: RequestKeys | undefined;
  #shares: LimitShares | undefined;
  readonly #out = new SampledItems();
  #left: Extent | undefined;
  /** Counts requests, so that keys know whether they have been met in this one. */
  #request = 0;
  /** The keys of the request that is looked at, in the order in which they are met. */
  readonly #met: KeyBucket[] = [];
  #metCount = 0;
  /** What the last request has taken of the whole. */
  #taken = 0;

  /** `shared`: it has nothing before `setShares`. */
  constructor(data: LimitsData, env: Pick<Env, "clock" | "random" | "metrics" | "ledger">, isShared: boolean) {
    const nowMs = env.clock.nowMs();
    this.#env = env;
    this.#counts = new LimitCounts(env);
    this.#data = data;
    this.#shares = isShared ? NOTHING_YET : undefined;
    const { perSecond, burst } = data.total;
    this.#total = isShared
      ? new DebtBucket(nowMs)
      : new DebtBucket(nowMs, [{ perSecond, burst, untilMs: Number.POSITIVE_INFINITY }], burst);
    this.#keys = new KeyBuckets(data);
    this.#keys.setShares(this.#shares, nowMs);
    this.#requestKeys = limitsKeys(data) ? new RequestKeys(data.key, this.#keys) : undefined;
  }

  get data(): LimitsData {
    return this.#data;
  }

  get keyCount(): number {
    return this.#keys.size;
  }

  /** The limits of another plan: what was let in under those before counts. */
  adopt(data: LimitsData): void {
    if (JSON.stringify(data) === JSON.stringify(this.#data)) return;
    const nowMs = this.#env.clock.nowMs();
    const isSameKey = sameKey(data.key, this.#data.key);
    this.#data = data;
    if (isSameKey) this.#keys.setLimits(data, nowMs);
    else {
      this.#keys = new KeyBuckets(data);
      this.#keys.setShares(this.#shares, nowMs);
    }
    this.#requestKeys = limitsKeys(data) ? new RequestKeys(data.key, this.#keys) : undefined;
    this.#setTotal(nowMs);
  }

  /** What it may let in of the limits, which are others', too. */
  setShares(shares: LimitShares): void {
    const nowMs = this.#env.clock.nowMs();
    this.#shares = shares;
    this.#setTotal(nowMs);
    this.#keys.setShares(shares, nowMs);
  }

  /** Decides about a well-formed request with items. */
  limit(envelope: Envelope, signal: Signal, headers: SenderHeaders, memory: BodyMemory): Limited {
    const nowMs = this.#env.clock.nowMs();
    const points = envelope.totalPoints;
    this.shedPoints = this.#taken = this.#metCount = 0;
    this.#offered.add(points, nowMs);
    const over = this.#requestKeys === undefined ? 0 : this.#meet(this.#requestKeys, envelope, headers, nowMs);
    if (over > 0 && (over === points || this.#data.mixed === "refuse")) return this.#refuseKeys(signal, points, nowMs);
    if (!this.#total.take(points - over, nowMs)) return this.#refuseAll(signal, points, nowMs);
    this.#taken = points - over;
    this.#admitted.add(this.#taken, nowMs);
    for (let i = 0; i < this.#metCount; i++) {
      const key = this.#met[i]!;
      if (key.isOver) key.shed.add(key.cost, nowMs);
      else this.#takeOf(key, nowMs);
    }
    this.#counts.letIn(signal, this.#taken);
    if (over === 0) return LIMITED.IN;
    this.#shedOver(envelope, signal, over, memory, nowMs);
    return LIMITED.LESS;
  }

  /** What is left of the request, once, with the one `retain` of who takes it. */
  take(): Extent {
    const left = this.#left;
    if (left === undefined) throw new TypeError("nothing was written");
    this.#left = undefined;
    return left;
  }

  /** The request that was let in last was refused afterwards: it may come again. */
  giveBack(signal: Signal): void {
    if (this.#taken === 0) return;
    const nowMs = this.#env.clock.nowMs();
    this.#total.giveBack(this.#taken, nowMs);
    this.#admitted.takeBack(this.#taken, nowMs);
    for (let i = 0; i < this.#metCount; i++) {
      const key = this.#met[i]!;
      if (key.isOver) continue;
      key.bucket.giveBack(key.cost, nowMs);
      key.admitted.takeBack(key.cost, nowMs);
    }
    this.#counts.givenBack(signal, this.#taken);
    this.#taken = 0;
  }

  /** What it would make of a well-formed request now; nothing of it is carried out. */
  preview(envelope: Envelope, headers: SenderHeaders): LimitsExplanation {
    const keys = this.#requestKeys === undefined ? undefined : this.#keys;
    const limits = { data: this.#data, total: this.#total, keys, isShared: this.#shares !== undefined };
    return previewLimits(limits, envelope, headers, this.#env.clock.nowMs());
  }

  /** Keys: so many of those that are nearest to their limits. */
  usage(mostKeys: number): LimitsUsage {
    const nowMs = this.#env.clock.nowMs();
    const { perSecond: limit, burst } = this.#data.total;
    const meters = { offered: this.#offered, admitted: this.#admitted, shed: this.#shed };
    const total = { limit, bucket: this.#total, ...meters, shortMs: this.#shortMs };
    return limitsUsage({ total, burst, keys: this.#keys.all, mostKeys }, nowMs);
  }

  #setTotal(nowMs: number): void {
    const { perSecond, burst } = this.#data.total;
    const all = [{ perSecond, burst, untilMs: Number.POSITIVE_INFINITY }];
    this.#total.setShares(this.#shares?.total ?? all, nowMs);
  }

  /** Items of keys that are over their limits. */
  #meet(keys: RequestKeys, envelope: Envelope, headers: SenderHeaders, nowMs: number): number {
    const request = ++this.#request;
    let over = 0;
    keys.begin(headers, nowMs);
    for (let r = 0; r < envelope.resources; r++) {
      const points = envelope.points[r]!;
      if (points === 0) continue;
      const key = keys.find(envelope, r, nowMs);
      if (key === undefined) continue;
      if (key.request !== request) {
        key.request = request;
        key.cost = 0;
        key.isOver = !key.bucket.isOpen(nowMs);
        this.#met[this.#metCount++] = key;
      }
      key.cost += points;
      key.offered.add(points, nowMs);
      if (!key.isOver) continue;
      over += points;
      key.shortMs = nowMs;
    }
    return over;
  }

  #takeOf(key: KeyBucket, nowMs: number): void {
    key.bucket.take(key.cost, nowMs);
    key.admitted.add(key.cost, nowMs);
  }

  #refuseKeys(signal: Signal, points: number, nowMs: number): Limited {
    const isShared = this.#shares !== undefined;
    let waitMs = 0;
    let first: KeyBucket | undefined;
    for (let i = 0; i < this.#metCount; i++) {
      const key = this.#met[i]!;
      if (!key.isOver) continue;
      first ??= key;
      waitMs = Math.max(waitMs, waitToTellMs(key.limit, key.bucket, { isShared, nowMs }));
      key.shed.add(key.cost, nowMs);
    }
    return this.#refuse(signal, { by: "key", points, waitMs }, this.#overKey(first, nowMs), nowMs);
  }

  #refuseAll(signal: Signal, points: number, nowMs: number): Limited {
    this.#shortMs = nowMs;
    const at = { isShared: this.#shares !== undefined, nowMs };
    const waitMs = waitToTellMs(this.#data.total, this.#total, at);
    const message = overTotal(spentLimit(this.#data.total, this.#total, at));
    return this.#refuse(signal, { by: "total", points, waitMs }, message, nowMs);
  }

  #overKey(of: KeyBucket | undefined, nowMs: number): string {
    if (of === undefined) throw new TypeError("no key is over its limit");
    const isShared = this.#shares !== undefined;
    return overKey(this.#data.key, of.key, spentLimit(of.limit, of.bucket, { isShared, nowMs }));
  }

  #refuse(
    signal: Signal,
    { by, points, waitMs }: { readonly by: "total" | "key"; readonly points: number; readonly waitMs: number },
    message: string,
    nowMs: number,
  ): Limited {
    this.refusal = { reason: "over_limit", message, retryAfterMs: retryDelayMs(waitMs, this.#env.random) };
    this.#shed.add(points, nowMs);
    this.#counts.refused(signal, by, points);
    return LIMITED.REFUSED;
  }

  /** Where there is no room for what is left, in memory of its own: it was admitted. */
  #shedOver(envelope: Envelope, signal: Signal, over: number, memory: BodyMemory, nowMs: number): void {
    const out = this.#out;
    out.begin(envelope);
    for (let r = 0; r < envelope.resources; r++) {
      const points = envelope.points[r];
      const key = points === 0 ? undefined : this.#requestKeys?.find(envelope, r, nowMs);
      if (key?.isOver === true && key.request === this.#request) out.dropWhole();
      else out.takeWhole(envelope, r);
    }
    const length = out.lengthOf(envelope);
    this.#left = memory.alloc(length, true) ?? OWN_BODIES.alloc(length, true);
    if (this.#left !== undefined) out.write(envelope, envelope.bytes, this.#left.bytes);
    out.release();
    const first = this.#met.find((key, i) => i < this.#metCount && key.isOver);
    this.shedPoints = over;
    this.shedMessage = this.#overKey(first, nowMs);
    this.#shed.add(over, nowMs);
    this.#counts.shed(signal, over);
  }
}

const NOTHING_YET: LimitShares = { total: [], safe: { part: 0, untilMs: 0 }, keys: new Map() };

function sameKey(a: LimitKey, b: LimitKey): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
