import type { Clock } from "../../core/clock.ts";
import type { Entry } from "../store.ts";
import { CALL_DEADLINE_MS, type CallOptions, type ListOptions, type Revision } from "../store.ts";
import { isOutOfHistory, storeError } from "./fault.ts";
import { encodeRange, type KeyValue, type RangeRequest, type RangeResponse } from "./messages.ts";
import { RANGE } from "./methods.ts";
import type { Rpc, RpcAnswer } from "./rpc.ts";
import { leaseText } from "./lease-id.ts";

/** What stands under a prefix, and of which store. */
export interface PrefixListing {
  readonly entries: readonly Entry[];
  readonly revision: Revision;
  readonly hasMore: boolean;
  readonly clusterId: bigint;
}

interface PrefixOptions extends ListOptions {
  /** Entries without their values. */
  readonly keysOnly?: boolean;
}

/** Pages are of about so many bytes: answers have to fit into memory, etcd's and ours. */
const PAGE_BYTES = 4_194_304;
const FIRST_PAGE = 200;
const MAX_PAGE = 2_000;
/** How often a listing begins anew because its revision was compacted under it. */
const MAX_RESTARTS = 3;

export class RangeReader {
  readonly #rpc: Rpc;
  readonly #clock: Clock;

  constructor(rpc: Rpc, clock: Clock) {
    this.#rpc = rpc;
    this.#clock = clock;
  }

  range(request: RangeRequest, options: CallOptions): Promise<RpcAnswer<RangeResponse>> {
    return this.#rpc.call(RANGE, encodeRange(request), options);
  }

  async get(key: string, options: CallOptions): Promise<Entry | undefined> {
    const answer = await this.range({ key: Buffer.from(key) }, options);
    if (!answer.ok) throw storeError(answer.faults);
    return answer.value.entries.map(entryOf)[0];
  }

  /** All pages are of the revision of the first one. */
  async list(prefix: string, options: PrefixOptions): Promise<PrefixListing> {
    const untilMs = this.#clock.nowMs() + (options.deadlineMs ?? CALL_DEADLINE_MS);
    for (let restarts = 0; ; restarts++) {
      const listing = await this.#listOnce(prefix, options, untilMs);
      if (listing.ok) return listing.value;
      const isLost = listing.faults.some(isOutOfHistory);
      if (!isLost || restarts >= MAX_RESTARTS) throw storeError(listing.faults);
    }
  }

  async #listOnce(prefix: string, options: PrefixOptions, untilMs: number): Promise<RpcAnswer<PrefixListing>> {
    const entries: Entry[] = [];
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const end = endOfPrefix(prefix);
    let key = startOf(prefix, options.after);
    let first: RangeResponse | undefined;
    let page = FIRST_PAGE;
    for (;;) {
      // Without a limit, or with 0, etcd gives all that there is.
      const asked = Math.max(1, Math.min(page, limit - entries.length));
      const request = { key, end, limit: asked, keysOnly: options.keysOnly ?? false };
      const pinned = first === undefined ? request : { ...request, revision: first.header.revision };
      const deadlineMs = Math.min(CALL_DEADLINE_MS, untilMs - this.#clock.nowMs());
      const answer = await this.range(pinned, { signal: options.signal, deadlineMs });
      if (!answer.ok) return answer;
      const { value } = answer;
      first ??= value;
      for (const entry of value.entries) entries.push(entryOf(entry));
      const last = value.entries.at(-1);
      const { clusterId, revision } = first.header;
      if (!value.more || last === undefined || entries.length >= limit)
        return { ok: true, value: cut({ entries, hasMore: value.more, clusterId, revision }, limit) };
      key = afterKey(last.key);
      page = nextPage(value.entries);
    }
  }
}

function cut(listing: PrefixListing, limit: number): PrefixListing {
  if (listing.entries.length <= limit) return listing;
  return { ...listing, entries: listing.entries.slice(0, limit), hasMore: true };
}

export function entryOf({ key, value, created, modified, lease }: KeyValue): Entry {
  return { key, value, created, modified, session: lease === 0n ? undefined : leaseText(lease) };
}

/** The first key that does not begin with the prefix; `\0` stands for the end of all keys. */
export function endOfPrefix(prefix: string): Buffer {
  const bytes = Buffer.from(prefix);
  for (let at = bytes.length - 1; at >= 0; at--) {
    if (bytes[at] === 0xff) continue;
    const end = Buffer.from(bytes.subarray(0, at + 1));
    end[at]!++;
    return end;
  }
  return Buffer.of(0);
}

export function startOfPrefix(prefix: string): Buffer {
  return prefix === "" ? Buffer.of(0) : Buffer.from(prefix);
}

function startOf(prefix: string, after: string | undefined): Buffer {
  const start = startOfPrefix(prefix);
  if (after === undefined) return start;
  const next = afterKey(after);
  return Buffer.compare(next, start) > 0 ? next : start;
}

function afterKey(key: string): Buffer {
  return Buffer.concat([Buffer.from(key), Buffer.of(0)]);
}

function nextPage(entries: readonly KeyValue[]): number {
  const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length + 32, 0);
  return Math.max(1, Math.min(MAX_PAGE, Math.floor((PAGE_BYTES * entries.length) / bytes)));
}
