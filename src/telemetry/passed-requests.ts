import type { PassedRow } from "../core/snapshot.ts";

/**
 * Requests that one rule let pass compressed as they came: how many items were in them is not
 * known. Invariant: received = delivered + rejected + shed + read + queued, at every moment.
 */
export class PassedRequests {
  received = 0;
  /** A target took them, perhaps without some of their items. */
  delivered = 0;
  /** A target refused them for good. */
  rejected = 0;
  /** Their senders were told to come again. */
  shed = 0;
  /** They could not go on as they came: inflated after all, and counted by their items. */
  read = 0;
  /** The one number that also falls. */
  queued = 0;
  /** As they came. */
  bytes = 0;
  /** By the words of targets that took the rest. */
  rejectedItems = 0;
}

export function passedRowOf(passed: PassedRequests): PassedRow {
  const { received, delivered, rejected, shed, read, queued, bytes, rejectedItems } = passed;
  return { items: "unknown", received, delivered, rejected, shed, read, queued, bytes, rejected_items: rejectedItems };
}

/** Of the same rule and pool in two processes; undefined when neither let anything pass. */
export function addPassed(a: PassedRow | undefined, b: PassedRow | undefined): PassedRow | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    items: "unknown",
    received: a.received + b.received,
    delivered: a.delivered + b.delivered,
    rejected: a.rejected + b.rejected,
    shed: a.shed + b.shed,
    read: a.read + b.read,
    queued: a.queued + b.queued,
    bytes: a.bytes + b.bytes,
    rejected_items: a.rejected_items + b.rejected_items,
  };
}

/** Requests that were taken in and are not accounted for: 0, or Signalbox has a fault. */
export function missingPassed({ received, delivered, rejected, shed, read, queued }: PassedRow): number {
  return received - delivered - rejected - shed - read - queued;
}
