import type { Counter } from "../../telemetry/metrics.ts";
import type { ResourceProgram } from "../../plan/route-plan.ts";
import type { ResourcePlace } from "./recent-resources.ts";

/**
 * What is known of one distinct resource: what remains to be asked of its items, and where its
 * requests are counted.
 */
export interface KnownResource {
  readonly program: ResourceProgram;
  readonly requests: Counter;
  /** Where the next stage has found the same resource. */
  next?: ResourcePlace | undefined;
}

/** Whoever makes programs, and knows what they hold together. */
export interface ProgramMaker {
  /** Memory of what was made or taken over since the last `forget`. */
  readonly bytes: number;
  forget(): void;
  adopt(program: ResourceProgram): void;
}

interface ResourceCacheLimits {
  readonly maxEntries: number;
  /** Keys, programs and all that belongs to them. */
  readonly maxBytes: number;
}

const RESOURCE_CACHE_LIMITS: ResourceCacheLimits = { maxEntries: 4_096, maxBytes: 8 * 1024 * 1024 };

/** Beside its key and its program: places in maps, the objects around them. Rounded up. */
const ENTRY_BYTES = 400;

/**
 * A least-recently-used cache in two generations: what is asked for moves to the young one, and
 * when that is full the old one is forgotten. So a hit costs one look-up and no list has to be kept
 * in order; at most twice the limits are held, and one program more. The key is the resource's
 * bytes as Latin-1 text, which V8 stores a byte a byte and hashes once.
 */
export class ResourceCache {
  hits = 0;
  misses = 0;
  /** How often a generation has begun. */
  generation = 0;
  /** What was found last had been asked for in this generation before. */
  foundYoung = false;
  /** Entries that were forgotten for want of room. */
  evicted = 0;
  /** Told how many were. */
  onEvict: (entries: number) => void = () => {};
  readonly #maker: ProgramMaker;
  readonly #limits: ResourceCacheLimits;
  #young = new CacheGeneration();
  #old = new CacheGeneration();

  constructor(maker: ProgramMaker, limits: ResourceCacheLimits = RESOURCE_CACHE_LIMITS) {
    this.#maker = maker;
    this.#limits = limits;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Memory that is held, as far as it can be told. */
  get bytes(): number {
    return this.#young.bytes + this.#maker.bytes + this.#old.bytes;
  }

  find(region: string, key: string): KnownResource | undefined {
    const young = this.#young.find(region, key);
    this.foundYoung = young !== undefined;
    if (young !== undefined) {
      this.hits++;
      return young;
    }
    const old = this.#old.find(region, key);
    if (old === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    this.#old.remove(region, key);
    this.#maker.adopt(old.program);
    this.keep(region, key, old);
    return old;
  }

  /**
   * What has just been made, or taken over. When that made it too much, a generation begins with
   * it. An entry that is larger than all may be together is not kept: it would push out everything
   * else.
   */
  keep(region: string, key: string, known: KnownResource): void {
    const { maxEntries, maxBytes } = this.#limits;
    const bytes = key.length + ENTRY_BYTES;
    if (bytes > maxBytes) return;
    const tooMuch = this.#young.bytes + bytes + this.#maker.bytes > maxBytes;
    if (tooMuch || this.#young.size >= maxEntries) {
      this.#turn();
      this.#maker.adopt(known.program);
    }
    if (this.#young.bytes + bytes + this.#maker.bytes > maxBytes) {
      if (this.#young.size === 0) this.#maker.forget();
      return;
    }
    this.#young.keep(region, key, known, bytes);
  }

  #turn(): void {
    this.generation++;
    this.evicted += this.#old.size;
    this.onEvict(this.#old.size);
    this.#old = this.#young;
    this.#old.bytes += this.#maker.bytes;
    this.#young = new CacheGeneration();
    this.#maker.forget();
  }
}

/** Entries by region and key. */
class CacheGeneration {
  size = 0;
  bytes = 0;
  readonly #regions = new Map<string, Map<string, KnownResource>>();

  find(region: string, key: string): KnownResource | undefined {
    return this.#regions.get(region)?.get(key);
  }

  keep(region: string, key: string, known: KnownResource, bytes: number): void {
    let entries = this.#regions.get(region);
    if (entries === undefined) this.#regions.set(region, (entries = new Map()));
    entries.set(key, known);
    this.size++;
    this.bytes += bytes;
  }

  remove(region: string, key: string): void {
    if (this.#regions.get(region)?.delete(key) === true) this.size--;
  }
}
