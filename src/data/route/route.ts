import { joinResources, viewResource } from "../../otlp/resource.ts";
import { ItemFields } from "../../otlp/item-fields.ts";
import { indexItems, ItemIndex } from "../../otlp/items.ts";
import type { Envelope } from "../../otlp/scan.ts";
import { pointsOf, sliceResource } from "../../otlp/slice.ts";
import type { ResourceProgram, RoutePlan } from "../../plan/route-plan.ts";
import { regionOf, specialise } from "../../plan/specialise.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { type KnownResource, ResourceCache } from "../scan/resource-cache.ts";
import { Draft } from "./draft.ts";

/** Which pools can take something now; asked while a request is routed, and answered without waiting. */
export interface PoolView {
  /** Has a target that may be tried. */
  readonly usable: boolean;
  /** Rules with a pool that is not usable are passed over, unless the pool holds or refuses. */
  readonly whenDown: "next_rule" | "hold" | "refuse";
}

/** What became of one request: the drafts that took something, in the order of first use. Valid until the next request. */
export interface Routed {
  readonly drafts: readonly Draft[];
  /** Things (spans, data points, log records) that no rule took. */
  unmatchedPoints: number;
  /** Not empty when an item that a rule had to read is malformed: then nothing was routed. */
  problem: string;
}

const NO_RULE = -1;

/**
 * Stage route for one signal under one plan: walks the resources of a scanned request and gives each to the drafts of the
 * rules that want it. Whole resources go as they are; only where rules ask the items is a resource divided.
 */
export class Router implements Routed {
  readonly plan: RoutePlan;
  readonly drafts: Draft[] = [];
  unmatchedPoints = 0;
  problem = "";
  readonly #pools: readonly PoolView[];
  readonly #metrics: Metrics;
  readonly #caches = new Map<string, ResourceCache>();
  /** By rule. Rules that do not copy share the draft of their pool. */
  readonly #draftOf: (Draft | undefined)[];
  readonly #draftOfPool = new Map<string, Draft>();
  /** Counts requests; by rule: at which of them its pool was asked, and what it said. */
  #requests = 0;
  readonly #askedAt: Float64Array;
  readonly #answers: Uint8Array;
  readonly #index = new ItemIndex();
  readonly #fields = new ItemFields();
  /** Drafts that took items of the resource being walked. */
  readonly #touched: Draft[] = [];

  /** `pools` has the pool of each rule of the plan, by the rule's index. */
  constructor(plan: RoutePlan, pools: readonly PoolView[], metrics: Metrics) {
    this.plan = plan;
    this.#pools = pools;
    this.#metrics = metrics;
    this.#draftOf = plan.rules.map(() => undefined);
    this.#askedAt = new Float64Array(plan.rules.length);
    this.#answers = new Uint8Array(plan.rules.length);
  }

  /** Distinct resources that are remembered. */
  get cachedResources(): number {
    let size = 0;
    for (const cache of this.#caches.values()) size += cache.size;
    return size;
  }

  /** Routes a well-formed request that came in by a listener of this region. The result is this router itself. */
  route(envelope: Envelope, region: string): Routed {
    for (const draft of this.drafts) draft.reset();
    this.drafts.length = 0;
    this.unmatchedPoints = 0;
    this.problem = "";
    this.#requests++;
    for (let r = 0; r < envelope.resources; r++) {
      const known = this.#known(envelope, r, region);
      if (r === 0) known.requests.add(1);
      if (known.program.whole || envelope.items[r] === 0) this.#routeWhole(envelope, r, known.program);
      else if (!this.#routeItems(envelope, r, known.program)) break;
    }
    return this;
  }

  #known(envelope: Envelope, r: number, region: string): KnownResource {
    let cache = this.#caches.get(region);
    if (cache === undefined) this.#caches.set(region, (cache = new ResourceCache()));
    const { bytes } = envelope;
    const resource =
      envelope.resourceTimes[r]! <= 1
        ? bytes.subarray(envelope.resourceStart[r], envelope.resourceEnd[r])
        : joinResources(bytes, envelope.bodyStart[r]!, envelope.end[r]!);
    const key = latin1(resource);
    const known = cache.find(key);
    if (known !== undefined) return known;
    const { attributes } = viewResource(resource);
    const program = specialise(this.plan, { attributes, region: regionOf(attributes, region) });
    const fresh = { program, requests: this.#metrics.requests.with(region, program.service) };
    cache.keep(key, fresh);
    return fresh;
  }

  #routeWhole(envelope: Envelope, r: number, program: ResourceProgram): void {
    let held = NO_RULE;
    for (let s = 0; s < program.steps.length; s++) {
      const step = program.steps[s]!;
      if (step.test !== undefined) continue;
      if (this.plan.rules[step.rule]!.mode === "copy") {
        this.#takeWhole(step.rule, envelope, r);
      } else if (this.#open(step.rule)) {
        this.#takeWhole(step.rule, envelope, r);
        return;
      } else if (held === NO_RULE) {
        held = step.rule;
      }
    }
    if (held === NO_RULE) this.unmatchedPoints += envelope.points[r]!;
    else this.#takeWhole(held, envelope, r);
  }

  #takeWhole(rule: number, envelope: Envelope, r: number): void {
    const draft = this.#draft(rule);
    draft.credit(rule, envelope.points[r]!);
    draft.takeWhole(envelope, r);
  }

  /** False when an item is malformed. */
  #routeItems(envelope: Envelope, r: number, program: ResourceProgram): boolean {
    const index = this.#index;
    const { bytes } = envelope;
    indexItems(bytes, envelope.bodyStart[r]!, envelope.end[r]!, index);
    this.#touched.length = 0;
    for (let i = 0; i < index.items; i++) {
      const fields = this.#fields;
      if (!fields.read(this.plan.signal, bytes, index.bodyStart[i]!, index.end[i]!, program.keys)) {
        this.problem = `not a valid protobuf message: the item at byte ${index.outerStart[i]!} is malformed`;
        return false;
      }
      fields.scopeNameStart = index.nameStart[index.scopeOf[i]!]!;
      fields.scopeNameEnd = index.nameEnd[index.scopeOf[i]!]!;
      const points = pointsOf(this.plan.signal, bytes, index, i);
      const first = this.#choose(program, i, points);
      if (first === NO_RULE) this.unmatchedPoints += points;
      else this.#select(first, i, points);
    }
    this.#take(envelope, r);
    return true;
  }

  /** Selects the item for all copies on the way, and returns the rule that takes the item itself. */
  #choose(program: ResourceProgram, i: number, points: number): number {
    let held = NO_RULE;
    for (let s = 0; s < program.steps.length; s++) {
      const step = program.steps[s]!;
      if (step.test !== undefined && !step.test(this.#fields)) continue;
      if (this.plan.rules[step.rule]!.mode === "copy") this.#select(step.rule, i, points);
      else if (this.#open(step.rule)) return step.rule;
      else if (held === NO_RULE) held = step.rule;
    }
    return held;
  }

  #select(rule: number, i: number, points: number): void {
    const draft = this.#draft(rule);
    if (draft.selectedCount === 0) this.#touched.push(draft);
    draft.credit(rule, points);
    draft.select(i, points);
  }

  #take(envelope: Envelope, r: number): void {
    for (const draft of this.#touched) {
      const count = draft.selectedCount;
      if (count === this.#index.items) {
        draft.takeWhole(envelope, r);
      } else {
        const part = sliceResource(envelope, r, this.#index, draft.selected, count);
        draft.takePart(envelope, part, count, draft.selectedPoints);
      }
      draft.selectedCount = draft.selectedPoints = 0;
    }
  }

  /** Asked once for each rule and request: health is a matter of the clock, and there may be thousands of items. */
  #open(rule: number): boolean {
    if (this.#askedAt[rule] !== this.#requests) {
      const pool = this.#pools[rule]!;
      this.#askedAt[rule] = this.#requests;
      this.#answers[rule] = pool.usable || pool.whenDown !== "next_rule" ? 1 : 0;
    }
    return this.#answers[rule] === 1;
  }

  #draft(rule: number): Draft {
    let draft = this.#draftOf[rule];
    if (draft === undefined) this.#draftOf[rule] = draft = this.#findDraft(rule);
    if (draft.rules.length === 0) this.drafts.push(draft);
    return draft;
  }

  #findDraft(rule: number): Draft {
    const { mode, pool } = this.plan.rules[rule]!;
    if (mode === "copy") return new Draft(rule);
    const known = this.#draftOfPool.get(pool) ?? new Draft(rule);
    this.#draftOfPool.set(pool, known);
    return known;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
