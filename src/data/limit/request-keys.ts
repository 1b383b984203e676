import { RecentMap } from "../../core/recent-map.ts";
import type { Seen } from "../../otlp/any-value.ts";
import { viewResource } from "../../otlp/resource.ts";
import type { Envelope } from "../../otlp/scan.ts";
import { type LimitKey, NO_KEY } from "../../plan/limits/limits-plan.ts";
import { headerIn, NO_HEADERS, type SenderHeaders } from "../../plan/sender-headers.ts";
import { RecentResources } from "../scan/recent-resources.ts";
import { latin1, resourceBytes } from "../scan/resource-programs.ts";
import type { KeyBucket } from "./key-bucket.ts";
import type { KeyBuckets } from "./key-buckets.ts";

/** Of so many different resources it is remembered which key they have; at most twice as many. */
const KNOWN = 4_096;
/** A longer resource is looked into each time: together they hold 32 MiB at most. */
const LONGEST_KNOWN = 4_096;

/** The bucket of a resource's key. */
interface KnownKey {
  /** Undefined: the key has no limit of its own. */
  readonly bucket: KeyBucket | undefined;
}

/** Finds the buckets of what comes: by the sender's header, or by the bytes of each resource. */
export class RequestKeys {
  readonly #key: LimitKey;
  readonly #buckets: KeyBuckets;
  readonly #recent: RecentResources<KnownKey>;
  #known = new RecentMap<KnownKey>(KNOWN);
  #generation = 0;
  /** Of the request that is looked at, where a header decides. */
  #ofSender: KeyBucket | undefined;

  constructor(key: LimitKey, buckets: KeyBuckets) {
    this.#key = key;
    this.#buckets = buckets;
    this.#recent = new RecentResources<KnownKey>(buckets);
  }

  begin(headers: SenderHeaders, nowMs: number): void {
    if (this.#generation !== this.#buckets.generation) {
      this.#generation = this.#buckets.generation;
      this.#known = new RecentMap(KNOWN);
    }
    if (this.#key.from !== "header") return;
    this.#ofSender = this.#buckets.find(headerIn(headers, this.#key.name) ?? NO_KEY, nowMs);
  }

  /** Undefined: what resource `r` has is under no limit of its own. */
  find(envelope: Envelope, r: number, nowMs: number): KeyBucket | undefined {
    if (this.#key.from === "header") return this.#ofSender;
    const resource = resourceBytes(envelope, r);
    const recent = this.#recent.find(resource, 0, resource.length, "", "");
    if (recent !== undefined) return recent.bucket;
    if (resource.length > LONGEST_KNOWN) return this.#bucketOf(resource, nowMs);
    const bytes = latin1(resource);
    const known = this.#known.get(bytes) ?? this.#learn(resource, bytes, nowMs);
    this.#recent.keep(known, "", "");
    return known.bucket;
  }

  #learn(resource: Uint8Array, bytes: string, nowMs: number): KnownKey {
    const known = { bucket: this.#bucketOf(resource, nowMs) };
    // Making a bucket may have taken others away.
    if (this.#generation === this.#buckets.generation) this.#known.set(bytes, known);
    return known;
  }

  #bucketOf(resource: Uint8Array, nowMs: number): KeyBucket | undefined {
    return this.#buckets.find(keyIn(this.#key, resource, NO_HEADERS), nowMs);
  }
}

/** The key of what a resource has, in a request with these headers. */
export function keyIn(key: LimitKey, resource: Uint8Array, headers: SenderHeaders): string {
  if (key.from === "header") return headerIn(headers, key.name) ?? NO_KEY;
  const name = key.from === "resource" ? key.attribute : "service.name";
  return textOf(viewResource(resource).attributes.get(name));
}

function textOf(seen: Seen | undefined): string {
  switch (typeof seen) {
    case "string":
      return seen;
    case "number":
    case "bigint":
    case "boolean":
      return String(seen);
    default:
      return NO_KEY;
  }
}
