import { hopsIn, reservedForLinks } from "../../plan/hops.ts";
import { onlyHeaders, type SenderHeaders } from "../../plan/sender-headers.ts";
import type { TargetHandle } from "../export/target-port.ts";

/** So many tenants of a pool wait apart. */
const MAX_TENANTS = 1_000;

/**
 * Those whose requests carry the same values of the headers that a pool's targets are passed on,
 * and, where targets are nodes of the fleet, have come over as many links between such: their
 * parcels wait together.
 */
export interface Tenant {
  /** Of those values; undefined for all beyond the bound. */
  readonly key: string | undefined;
  /** Of the pool's bound, until their parcels end. */
  heldBytes: number;
  parcels: number;
  /** Calls under way, of all lanes. */
  inFlight: number;
  /** Counts up over all tenants: who was served longest ago is next. */
  served: number;
}

/**
 * The tenants of a pool that hold something in it. They take turns, so that none waits for the
 * backlog of another, and none takes more of the queue than is left for all others, or its equal
 * part, with one part for whoever comes next. Where the targets forward nothing, and are no nodes
 * of the fleet, there are none, and parcels have no tenant.
 */
export class Tenants {
  /** All that some target forwards, in order. */
  #names: readonly string[] = [];
  /** Some target is nodes of the fleet. */
  #hasLinks = false;
  readonly #known = new Map<string, Tenant>();
  /** Of all beyond the bound together. */
  readonly #others: Tenant = newTenant(undefined);
  #turn = 0;
  readonly #crowded: () => void;

  /** `crowded` is told of each parcel that is one of those beyond the bound. */
  constructor(crowded: () => void) {
    this.#crowded = crowded;
  }

  /** Those that hold something. */
  get size(): number {
    if (this.#names.length === 0) return 0;
    return this.#known.size + (this.#others.parcels > 0 ? 1 : 0);
  }

  /** Whether senders are told apart: some target is passed headers of theirs. */
  get areTold(): boolean {
    return this.#names.length > 0;
  }

  configure(targets: Iterable<TargetHandle>): void {
    const names = new Set<string>();
    this.#hasLinks = false;
    for (const { plan } of targets) {
      for (const name of plan.forwardHeaders) names.add(name);
      this.#hasLinks ||= plan.members !== undefined;
    }
    this.#names = [...names].toSorted();
  }

  /** Whose a parcel with these headers is; undefined where the pool has no tenants. */
  of(headers: SenderHeaders): Tenant | undefined {
    if (this.#names.length === 0 && !this.#hasLinks) return undefined;
    const key = this.#keyOf(headers);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_TENANTS) {
      this.#crowded();
      return this.#others;
    }
    const tenant = newTenant(key);
    this.#known.set(key, tenant);
    return tenant;
  }

  /** Of `maxBytes`, what is left to those that have come over more links. */
  keptFrom(headers: SenderHeaders, maxBytes: number): number {
    return this.#hasLinks ? reservedForLinks(maxBytes, hopsIn(headers)) : 0;
  }

  /** Whether its tenant may hold so much more, when `free` bytes of `maxBytes` are left. */
  hasRoom(bytes: number, free: number, maxBytes: number, headers: SenderHeaders): boolean {
    if (this.#names.length === 0) return true;
    const key = this.#keyOf(headers);
    const isNew = this.#known.size >= MAX_TENANTS ? this.#others : undefined;
    const held = (this.#known.get(key) ?? isNew)?.heldBytes ?? 0;
    return held === 0 || held + bytes <= Math.max(free, Math.floor(maxBytes / (this.size + 1)));
  }

  #keyOf(headers: SenderHeaders): string {
    const key = this.#names.length === 0 ? "" : onlyHeaders(headers, this.#names).key;
    const hops = this.#hasLinks ? hopsIn(headers) : 0;
    return hops === 0 ? key : `${hops} ${key}`;
  }

  hold(tenant: Tenant, bytes: number, sign: 1 | -1): void {
    tenant.heldBytes += sign * bytes;
    tenant.parcels += sign;
    if (tenant.key === undefined) return;
    if (tenant.parcels === 0) this.#known.delete(tenant.key);
    else if (tenant.parcels === 1) this.#known.set(tenant.key, tenant); // its only parcel may just have been replaced by parts of it
  }

  /** A call of it leaves. */
  serve(tenant: Tenant): void {
    tenant.inFlight++;
    tenant.served = ++this.#turn;
  }
}

/**
 * Whether it is the turn of `a` before `b`: who has fewer calls under way, else who was served
 * longest ago. 0: neither.
 */
export function turnOf(a: Tenant | undefined, b: Tenant | undefined): number {
  return (a?.inFlight ?? 0) - (b?.inFlight ?? 0) || (a?.served ?? 0) - (b?.served ?? 0);
}

function newTenant(key: string | undefined): Tenant {
  return { key, heldBytes: 0, parcels: 0, inFlight: 0, served: 0 };
}
