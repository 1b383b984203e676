import { viewBuffer } from "../../core/bytes.ts";
import { RecentMap } from "../../core/recent-map.ts";
import { joinResources } from "../../otlp/resource.ts";
import { ResourceAttributes } from "../../otlp/resource-attributes.ts";
import type { Envelope } from "../../otlp/scan.ts";
import { answersTo, type HeaderAnswers } from "../../plan/header-tests.ts";
import type { RoutePlan } from "../../plan/route-plan.ts";
import { NO_HEADERS, type SenderHeaders } from "../../plan/sender-headers.ts";
import { regionOf, Specialiser } from "../../plan/specialise.ts";
import type { Counter, Metrics } from "../../telemetry/metrics.ts";
import { RecentResources } from "./recent-resources.ts";
import { type KnownResource, ResourceCache } from "./resource-cache.ts";

/**
 * Of so many different sets of header values it is remembered what they answer; at most twice as
 * many.
 */
const KNOWN_ANSWERS = 1_000;
/** Of so many services, at most twice as many, it is remembered where requests are counted. */
const KNOWN_SERVICES = 1_000;

/**
 * What remains to be asked of the items of each resource, under one plan: found by the bytes of the
 * resource, and made where it is not known yet.
 */
export class ResourcePrograms {
  readonly #metrics: Metrics;
  readonly #specialiser: Specialiser;
  readonly #cache: ResourceCache;
  readonly #recent: RecentResources;
  readonly #attributes = new ResourceAttributes();
  readonly #counters = new RecentMap<Counter>(KNOWN_SERVICES);
  /** Undefined where nothing is asked about headers, as nearly everywhere. */
  readonly #answers: HeaderAnswers | undefined;
  readonly #knownAnswers = new RecentMap<string>(KNOWN_ANSWERS);
  /** Of the request being walked, and what they answer. */
  #headers: SenderHeaders = NO_HEADERS;
  #answered = "";

  constructor(plan: RoutePlan, metrics: Metrics) {
    this.#specialiser = new Specialiser(plan);
    this.#cache = new ResourceCache(this.#specialiser);
    this.#recent = new RecentResources(this.#cache);
    this.#metrics = metrics;
    this.#answers = plan.headerTests.length === 0 ? undefined : answersTo(plan.headerTests);
  }

  /** What is remembered of resources. */
  get cache(): Pick<ResourceCache, "size" | "bytes" | "evicted" | "onEvict"> {
    return this.#cache;
  }

  /** Resources of a request with these headers are asked for. */
  begin(headers: SenderHeaders): void {
    this.#headers = headers;
    this.#answered = this.#answers === undefined ? "" : this.#answersTo(this.#answers, headers);
  }

  /**
   * Of resource `r`, which came in by a listener of this region. `earlier`: what the stage before
   * this one knows of it; where it is found here is remembered there. Measured: 0.2 us a resource
   * less than to look at its bytes once more.
   */
  find(envelope: Envelope, r: number, region: string, earlier?: KnownResource): KnownResource {
    if (earlier === undefined) return this.#findByBytes(envelope, r, region);
    const known = earlier.next === undefined ? undefined : this.#recent.at(earlier.next, region, this.#answered);
    if (known !== undefined) return known;
    const found = this.#findByBytes(envelope, r, region);
    earlier.next = this.#recent.place;
    return found;
  }

  #findByBytes(envelope: Envelope, r: number, region: string): KnownResource {
    const answers = this.#answered;
    if (envelope.resourceTimes[r]! > 1) return this.#lookUp(resourceBytes(envelope, r), region);
    const start = envelope.resourceStart[r]!;
    const end = envelope.resourceEnd[r]!;
    const recent = this.#recent.find(envelope.bytes, start, end, region, answers);
    return recent ?? this.#findInCache(envelope.bytes.subarray(start, end), region);
  }

  #lookUp(resource: Uint8Array, region: string): KnownResource {
    const recent = this.#recent.find(resource, 0, resource.length, region, this.#answered);
    return recent ?? this.#findInCache(resource, region);
  }

  /**
   * A resource that comes for the first time is not kept: senders whose resources are ever new
   * would make the cache work for nothing, 3 us for each. What comes again costs that once more.
   */
  #findInCache(resource: Uint8Array, region: string): KnownResource {
    const answers = this.#answered;
    const key = answers === "" ? latin1(resource) : answers + latin1(resource);
    const known = this.#cache.find(region, key);
    if (known !== undefined) {
      if (this.#cache.foundYoung) this.#recent.keep(known, region, answers);
      return known;
    }
    const fresh = this.#make(resource, region);
    if (this.#recent.cameBefore()) this.#cache.keep(region, key, fresh);
    return fresh;
  }

  #make(resource: Uint8Array, region: string): KnownResource {
    const attributes = this.#attributes;
    attributes.open(resource);
    const program = this.#specialiser.specialise({
      attributes,
      region: regionOf(attributes, region),
      headers: this.#headers,
    });
    attributes.release();
    return { program, requests: this.#counterOf(region, program.service), next: undefined };
  }

  #counterOf(region: string, service: string): Counter {
    const name = `${region}\u0000${service}`;
    const known = this.#counters.get(name);
    if (known !== undefined) return known;
    const counter = this.#metrics.requests.with(region, service);
    this.#counters.set(name, counter);
    return counter;
  }

  /** Nothing of the request stays here. */
  release(): void {
    this.#headers = NO_HEADERS;
  }

  /**
   * What headers answer is settled before resources are looked up: each is known once for each set
   * of answers.
   */
  #answersTo(answers: HeaderAnswers, headers: SenderHeaders): string {
    const known = this.#knownAnswers.get(headers.key);
    if (known !== undefined) return known;
    const fresh = answers.of(headers);
    this.#knownAnswers.set(headers.key, fresh);
    return fresh;
  }
}

/** A view, unless the message `resource` is there in several parts. */
export function resourceBytes(envelope: Envelope, r: number): Uint8Array {
  const { bytes } = envelope;
  return envelope.resourceTimes[r]! <= 1
    ? bytes.subarray(envelope.resourceStart[r], envelope.resourceEnd[r])
    : joinResources(bytes, envelope.bodyStart[r]!, envelope.end[r]!);
}

/** As a key: V8 stores it a byte a byte, and hashes it once. */
export function latin1(bytes: Uint8Array): string {
  return viewBuffer(bytes).toString("latin1");
}
