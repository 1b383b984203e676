import type { FleetLimit } from "../../plan/limits/bucket-shares.ts";
import type { DebtBucket } from "../../plan/limits/debt-bucket.ts";
import { Meter } from "./meter.ts";

/** A key that is limited, and what the request that is looked at has of it. */
export class KeyBucket {
  readonly key: string;
  limit: FleetLimit;
  readonly bucket: DebtBucket;
  readonly offered = new Meter();
  readonly admitted = new Meter();
  readonly shed = new Meter();
  /** When it was over its limit last. */
  shortMs = Number.NEGATIVE_INFINITY;
  /** Of the request that was looked at last: which it was, and how much of it is of this key. */
  request = 0;
  cost = 0;
  isOver = false;

  constructor(key: string, limit: FleetLimit, bucket: DebtBucket) {
    this.key = key;
    this.limit = limit;
    this.bucket = bucket;
  }

  /** It is as if it had never been asked for: it may be made anew. */
  isIdle(nowMs: number): boolean {
    return this.offered.peak(nowMs) < 1 && this.bucket.isFull(nowMs);
  }
}
