/** Signals that are sampled; metrics never are. */
export type RatedSignal = "traces" | "logs";

/** What came before sampling, a second, of one class, region and probability on arrival. */
export interface ReceivedRow {
  readonly signal: RatedSignal;
  readonly class: string;
  readonly region: string;
  /**
   * The probability that it came with, 1 when nothing was said of it. Of several together: their
   * items over the sum of their adjusted counts. Undefined: it has no randomness, is kept, and is
   * charged first.
   */
  readonly arrival: number | undefined;
  readonly items: number;
  readonly bytes: number;
  /** Items that begin a trace: spans without a parent. */
  readonly traces: number;
  /** To how many pools an item goes that is kept; default: 1. */
  readonly copies?: number;
}

/** Of what came with `arrival`, the part that a probability keeps: it is only ever lowered. */
export function keptPart(probability: number, arrival: number | undefined): number {
  return arrival === undefined ? 1 : Math.min(1, probability / arrival);
}
