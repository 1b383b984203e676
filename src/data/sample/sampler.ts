import { type BodyMemory, type Extent, OwnExtent } from "../../core/arena/extent.ts";
import { allocBody } from "../../core/bytes.ts";
import { emptyList, shortenList } from "../../core/empty-list.ts";
import type { Reason } from "../../core/reason.ts";
import { SampledItems } from "../../otlp/sampled-items.ts";
import type { Envelope } from "../../otlp/scan.ts";
import { type GivenUp, NOTHING_GIVEN_UP } from "../../plan/degradation-plan.ts";
import type { ProgramStep, ResourceProgram, RoutePlan } from "../../plan/route-plan.ts";
import type { SampledSignal, SamplingData, SamplingState } from "../../plan/sampling-plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { Counter } from "../../telemetry/metrics.ts";
import { ItemReader } from "../scan/item-reader.ts";
import type { KnownResource } from "../scan/resource-cache.ts";
import { ResourcePrograms } from "../scan/resource-programs.ts";
import { AskedSpans } from "./asked-spans.ts";
import { ClassCounts } from "./class-counts.ts";
import { DirectedClasses } from "./directed-classes.ts";
import type { ItemDecider } from "./item-decider.ts";
import { LogDecider } from "./log-decider.ts";
import { SpanDecider } from "./span-decider.ts";
import { MarkedRequests } from "./marked-requests.ts";
import { markInPlace, type SampledBody } from "./mark-in-place.ts";
import type { NodeGuard } from "./node-guard.ts";
import { PlainSpans } from "./plain-spans.ts";
import type { ClassThreshold } from "./threshold-mark.ts";
import { SAMPLED, type Sampled, type SamplerEnv } from "./sampled.ts";
import { type Verdict, VERDICT } from "./verdict.ts";

export { SAMPLED, type Sampled };

/** Of so many spans that are decided on, one has its randomness counted. */
const LOOKED_AT = 64;

/** The class of a resource whose items are asked, and of what no rule takes. */
const [ASKED, NO_CLASS] = [-2, -1] as const;

/**
 * Stage sample for one signal under one plan: finds the class of each item, keeps it iff its
 * randomness reaches the class's threshold, and marks what it keeps. Resources whose class is kept
 * whole are not looked into; where all classes are, nothing is. Where rates follow what comes, all
 * of it is counted, and the node's guard may lower what is not protected.
 */
export class Sampler {
  /** Not empty when an item is malformed. */
  problem = "";
  /** So many items of the request are not let in: the node is degraded. */
  refused = 0;
  /** The envelope is one of what is left: else that has to be scanned. */
  renewed = false;
  /** What is known of the resources that are left of the request, in their order. */
  readonly known: KnownResource[] = [];
  readonly #plan: RoutePlan;
  readonly #programs: ResourcePrograms;
  readonly #dryRun: boolean;
  readonly #items: ItemReader;
  readonly #out = new SampledItems();
  readonly #decider: ItemDecider;
  readonly #counts: readonly ClassCounts[];
  /** By class, which is a pool of the plan: what was decided above, and what the guard leaves. */
  readonly #directed: DirectedClasses;
  #thresholds: readonly ClassThreshold[];
  readonly #follows: boolean;
  readonly #guard: NodeGuard | undefined;
  /** Of one span in LOOKED_AT, and of how many since the last one. */
  readonly #randomness: SamplerEnv["randomness"];
  #passed = 0;
  /** Of traces that are decided on by their ids. */
  readonly #plain: PlainSpans | undefined;
  readonly #asked: AskedSpans | undefined;
  readonly #whole: MarkedRequests | undefined;
  /** Of the resource that is walked. */
  #service = "";
  #guardRate = 1;
  /** Nothing has to be looked at. */
  #isIdle: boolean;
  #left: Extent | undefined;
  /** Where the request is counted, unless it goes on as it is: then route does it. */
  #requests: Counter | undefined;
  /** Whose mark was described last as a change of items, and which one that is. */
  #marked: ClassThreshold | undefined;
  #mark = 0;

  constructor(signal: SampledSignal, plan: RoutePlan, data: SamplingData, env: SamplerEnv) {
    this.#plan = plan;
    this.#programs = new ResourcePrograms(plan, env.metrics);
    this.#dryRun = data.dryRun;
    this.#items = new ItemReader(signal);
    const { randomness, logRandomness } = data;
    this.#decider =
      signal === "traces"
        ? new SpanDecider(randomness, this.#out)
        : new LogDecider(randomness, logRandomness, this.#out);
    this.#follows = data.follows.includes(signal);
    this.#guard = this.#follows ? env.guard : undefined;
    this.#randomness = signal === "traces" ? env.randomness : undefined;
    if (signal === "traces" && randomness === "trace_id") this.#plain = new PlainSpans(this.#out, this.#randomness);
    this.#counts = plan.pools.map(({ name }) => new ClassCounts(signal, name, this.#follows, env));
    if (this.#plain !== undefined) this.#asked = new AskedSpans(plan, this.#out, this.#counts, this.#randomness);
    if (this.#plain !== undefined && !this.#dryRun) {
      this.#whole = new MarkedRequests(plan, this.#programs, this.#counts, this.#randomness);
    }
    this.#directed = new DirectedClasses(signal, plan, data);
    this.#thresholds = this.#directed.at(1);
    this.#isIdle = false;
    this.#narrow(1);
  }

  /** What is remembered of resources. */
  get cache(): ResourcePrograms["cache"] {
    return this.#programs.cache;
  }

  /**
   * From the next request on; of classes that are not named what the plan says, and less where the
   * node gives something up.
   */
  obey(state: SamplingState | undefined, givenUp: GivenUp = NOTHING_GIVEN_UP): void {
    this.#directed.obey(state, givenUp);
    this.#narrow(1);
  }

  /** What is done with a class now. */
  thresholdOf(name: string): ClassThreshold | undefined {
    return this.#thresholds[this.#directed.placeOf(name)];
  }

  /** Decides about a well-formed request that came in by a listener of this region. */
  sample(envelope: Envelope, region: string, headers: SenderHeaders, body: SampledBody): Sampled {
    this.refused = 0;
    this.renewed = false;
    if (this.#isIdle) return SAMPLED.SAME;
    if (this.#guard !== undefined) {
      const rate = this.#guard.rate();
      if (rate !== this.#guardRate) this.#narrow(rate);
    }
    this.problem = "";
    this.#plain?.begin(envelope.bytes);
    this.#programs.begin(headers);
    this.#left = this.#whole?.mark(envelope, region, this.known, this.#plain?.kernel, body);
    this.renewed = this.#left !== undefined;
    const result = this.renewed ? SAMPLED.LESS : this.#sampleEach(envelope, region, body);
    this.#items.release();
    this.#decider.release();
    this.#programs.release();
    this.#plain?.release();
    this.#out.release();
    return result;
  }

  /** What is left of the request, once, with the one `retain` of who takes it. */
  take(): Extent {
    const left = this.#left;
    if (left === undefined) throw new TypeError("nothing was written");
    this.#left = undefined;
    return left;
  }

  /** The request that was sampled last goes on, or is done with: what was decided is counted. */
  commit(): void {
    if (this.#isIdle) return;
    if (this.#guard !== undefined) this.#directed.tellGuard(this.#guard, this.#counts);
    for (const counts of this.#counts) counts.commit(this.#dryRun);
  }

  /** It is refused as a whole, and its sender may come again: so is what was to be dropped. */
  refuse(reason: Reason): void {
    if (this.#isIdle || this.#dryRun) return;
    for (const counts of this.#counts) counts.refuse(reason);
  }

  /** To at most this rate, of what is not protected; 1: as it was decided above. */
  #narrow(rate: number): void {
    this.#guardRate = rate;
    this.#thresholds = this.#directed.at(rate);
    for (const [i, { reason }] of this.#thresholds.entries()) this.#counts[i]!.by(reason);
    this.#asked?.obey(this.#thresholds);
    this.#whole?.obey(this.#thresholds);
    this.#isIdle = !this.#follows && this.#thresholds.every(({ keepsAll }) => keepsAll);
    if (this.#isIdle) emptyList(this.known);
  }

  #sampleEach(envelope: Envelope, region: string, body: SampledBody): Sampled {
    const result = this.#walk(envelope, region) ? this.#result(envelope) : SAMPLED.MALFORMED;
    if (result === SAMPLED.LESS) this.#write(envelope, region, body);
    if (result === SAMPLED.LESS || result === SAMPLED.NOTHING) this.#requests?.add(1);
    this.#requests = undefined;
    return result;
  }

  #write(envelope: Envelope, region: string, body: SampledBody): void {
    const out = this.#out;
    const length = out.lengthOf(envelope);
    const inPlace = markInPlace(out, envelope, length, this.#plain?.kernel, body);
    this.#left = inPlace ?? this.#writeAnew(envelope, length, region, body.memory);
    out.leave(this.known);
    this.renewed = out.renew(envelope, this.#left.bytes);
  }

  /**
   * Where there is no room for it, in memory of its own: it was admitted. What was measured by the
   * kernel, which writes in its own memory alone, is walked another time then.
   */
  #writeAnew(envelope: Envelope, length: number, region: string, memory: BodyMemory): Extent {
    const left = memory.alloc(length, true) ?? new OwnExtent(allocBody(length));
    if (this.#plain?.kernel !== undefined && left.bytes.buffer !== envelope.bytes.buffer) {
      this.#plain.release();
      this.#walk(envelope, region);
    }
    this.#out.write(envelope, envelope.bytes, left.bytes, this.#plain?.kernel);
    return left;
  }

  #result(envelope: Envelope): Sampled {
    const { kept, changed } = this.#out;
    if (this.#dryRun || (kept === envelope.totalItems && changed === 0)) return SAMPLED.SAME;
    return kept === 0 ? SAMPLED.NOTHING : SAMPLED.LESS;
  }

  /** Decides about all of its items. False when one is malformed. */
  #walk(envelope: Envelope, region: string): boolean {
    this.refused = 0;
    this.#marked = undefined;
    for (const counts of this.#counts) counts.forget();
    this.#out.begin(envelope);
    for (let r = 0; r < envelope.resources; r++) {
      const known = this.#programs.find(envelope, r, region);
      const { program, requests } = known;
      this.known[r] = known;
      if (r === 0) this.#requests = requests;
      const { first } = program;
      const isOne = first === undefined || first.test === undefined;
      const whole = first === undefined ? NO_CLASS : this.#plan.poolOf[first.rule]!;
      const items = envelope.items[r]!;
      const isWhole = isOne && whole !== NO_CLASS && this.#thresholds[whole]!.keepsAll && !this.#follows;
      if (items === 0 || first === undefined || isWhole) {
        if (items > 0 && whole >= 0) this.#counts[whole]!.keepWhole(items);
        this.#out.takeWhole(envelope, r);
        continue;
      }
      if (!this.#walkItems(envelope, r, program, isOne ? whole : ASKED)) return false;
    }
    shortenList(this.known, envelope.resources);
    return true;
  }

  /** `whole`: the class of all of them, or ASKED. False when an item is malformed. */
  #walkItems(envelope: Envelope, r: number, program: ResourceProgram, whole: number): boolean {
    const out = this.#out;
    const { index } = this.#items;
    this.#service = program.service;
    if (whole === ASKED ? this.#takeAsked(envelope, r, program) : this.#takePlain(envelope, r, whole)) return true;
    this.#items.open(envelope, r);
    out.beginResource(envelope, r);
    for (let scope = 0; scope < index.scopes; scope++) {
      out.beginScope(index, scope);
      const isRead =
        whole === ASKED
          ? this.#askScope(envelope.bytes, scope, program)
          : this.#walkScope(envelope.bytes, scope, this.#thresholds[whole]!, this.#counts[whole]!);
      if (!isRead) return false;
      out.endScope(index, scope);
    }
    out.endResource(envelope, r);
    return true;
  }

  /** False: its items have to be walked. */
  #takePlain(envelope: Envelope, r: number, whole: number): boolean {
    const threshold = this.#thresholds[whole]!;
    if (this.#plain === undefined || threshold.keepsAll || threshold.refuses) return false;
    return this.#plain.take(envelope, r, threshold, this.#counts[whole]!, this.#service);
  }

  #takeAsked(envelope: Envelope, r: number, program: ResourceProgram): boolean {
    const kernel = this.#plain?.kernel;
    return kernel !== undefined && this.#asked !== undefined && this.#asked.take(kernel, envelope, r, program);
  }

  /** All of its items are of one class. */
  #walkScope(bytes: Uint8Array, scope: number, threshold: ClassThreshold, counts: ClassCounts): boolean {
    const { index } = this.#items;
    const after = index.scopeFirst[scope + 1]!;
    for (let i = index.scopeFirst[scope]!; i < after; i++) {
      if (!this.#decide(bytes, i, threshold, counts, false)) return this.#malformed(i);
    }
    return true;
  }

  /** Each of its items is asked of which class it is. */
  #askScope(bytes: Uint8Array, scope: number, { first, keys }: ResourceProgram): boolean {
    const items = this.#items;
    const after = items.index.scopeFirst[scope + 1]!;
    for (let i = items.index.scopeFirst[scope]!; i < after; i++) {
      if (!items.read(i, keys)) return this.#malformed(i);
      const of = this.#classOf(first);
      if (of < 0) this.#out.keep();
      else if (!this.#decide(bytes, i, this.#thresholds[of]!, this.#counts[of]!, true)) return this.#malformed(i);
    }
    return true;
  }

  #classOf(first: ProgramStep | undefined): number {
    for (let step = first; step !== undefined; step = step.next) {
      if (step.test === undefined || step.test(this.#items.fields)) return this.#plan.poolOf[step.rule]!;
    }
    return NO_CLASS;
  }

  /** `isRead`: rules were asked about it. False when it is malformed. */
  #decide(bytes: Uint8Array, i: number, threshold: ClassThreshold, counts: ClassCounts, isRead: boolean): boolean {
    const { index, fields } = this.#items;
    const body = index.bodyStart[i]!;
    const end = index.end[i]!;
    if (threshold.keepsAll) {
      if (counts.arrivals !== undefined && !this.#count(bytes, body, end, counts)) return false;
      counts.keepWhole(1);
      this.#out.keep();
      return true;
    }
    if (threshold.refuses) return this.#refuse(i, counts);
    const decider = this.#decider;
    const verdict = isRead
      ? decider.decideRead(fields, threshold, counts)
      : decider.decide(bytes, body, end, threshold, counts);
    if (verdict === VERDICT.MALFORMED) return false;
    if (++this.#passed === LOOKED_AT) this.#lookAt();
    counts.arrivals?.add(decider.arrival, end - body, decider.isRoot, verdict !== VERDICT.DROP);
    this.#carryOut(verdict, i, threshold, counts);
    return true;
  }

  #carryOut(
    verdict: Exclude<Verdict, typeof VERDICT.MALFORMED>,
    i: number,
    threshold: ClassThreshold,
    counts: ClassCounts,
  ): void {
    const out = this.#out;
    const { index } = this.#items;
    if (verdict === VERDICT.DROP) {
      counts.dropped++;
      return out.drop(index.outerStart[i]!, index.end[i]!);
    }
    if (verdict === VERDICT.KEEP) {
      counts.kept++;
      return out.keep();
    }
    counts.marked++;
    const start = index.outerStart[i]!;
    const body = index.bodyStart[i]!;
    const end = index.end[i]!;
    if (verdict === VERDICT.CHANGE) {
      const { addStart, addEnd, cutStart, cutEnd } = this.#decider;
      const change = out.describe(addStart, addEnd, cutStart, cutEnd);
      return out.change(start, body, end, change, addEnd - addStart - (cutEnd - cutStart));
    }
    if (this.#marked !== threshold) this.#writeMark(threshold);
    out.change(start, body, end, this.#mark, threshold.mark.length);
  }

  #refuse(i: number, counts: ClassCounts): true {
    const { index } = this.#items;
    counts.refused++;
    if (!this.#dryRun) this.refused++;
    this.#out.drop(index.outerStart[i]!, index.end[i]!);
    return true;
  }

  /** Of an item that is kept whatever it says. */
  #count(bytes: Uint8Array, start: number, end: number, counts: ClassCounts): boolean {
    const decider = this.#decider;
    if (!decider.see(bytes, start, end, counts)) return false;
    if (++this.#passed === LOOKED_AT) this.#lookAt();
    counts.arrivals?.add(decider.arrival, end - start, decider.isRoot, true);
    return true;
  }

  #lookAt(): void {
    this.#passed = 0;
    this.#randomness?.add(this.#service, this.#decider);
  }

  /** One for all items that get the same. */
  #writeMark(threshold: ClassThreshold): void {
    const out = this.#out;
    const { mark } = threshold;
    out.room(mark.length);
    out.added.set(mark, out.addedEnd);
    const start = out.addedEnd;
    out.addedEnd += mark.length;
    this.#mark = out.describe(start, out.addedEnd, 0, 0);
    this.#marked = threshold;
  }

  #malformed(item: number): false {
    const at = this.#items.index.outerStart[item]!;
    this.problem = `not a valid protobuf message: the item at byte ${at} is malformed`;
    return false;
  }
}
