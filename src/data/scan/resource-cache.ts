import type { Counter } from "../../telemetry/metrics.ts";
import type { ResourceProgram } from "../../plan/route-plan.ts";

/** What is known of one distinct resource: what remains to be asked of its items, and where its requests are counted. */
export interface KnownResource {
  readonly program: ResourceProgram;
  readonly requests: Counter;
}

export interface ResourceCacheLimits {
  readonly maxEntries: number;
  readonly maxKeyBytes: number;
}

export const RESOURCE_CACHE_LIMITS: ResourceCacheLimits = { maxEntries: 4_096, maxKeyBytes: 4 * 1024 * 1024 };

/**
 * A least-recently-used cache in two generations: what is asked for moves to the young one, and when that is full the
 * old one is forgotten. So a hit costs one look-up and no list has to be kept in order; at most twice the limits are held.
 * The key is the resource's bytes as Latin-1 text, which V8 stores a byte a byte and hashes once.
 */
export class ResourceCache {
  hits = 0;
  misses = 0;
  readonly #limits: ResourceCacheLimits;
  #young = new Map<string, KnownResource>();
  #old = new Map<string, KnownResource>();
  #youngBytes = 0;

  constructor(limits: ResourceCacheLimits = RESOURCE_CACHE_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  find(key: string): KnownResource | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.hits++;
      return young;
    }
    const old = this.#old.get(key);
    if (old === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    this.#old.delete(key);
    this.keep(key, old);
    return old;
  }

  /** A key that is longer than all may be together is not kept: it would push out everything else. */
  keep(key: string, known: KnownResource): void {
    if (key.length > this.#limits.maxKeyBytes) return;
    if (this.#young.size >= this.#limits.maxEntries || this.#youngBytes + key.length > this.#limits.maxKeyBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, known);
    this.#youngBytes += key.length;
  }
}
