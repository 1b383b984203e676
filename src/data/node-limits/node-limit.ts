/**
 * Limits of a node. Where several processes do its work each may use a part of one, which changes:
 * by the id of a target, or the name of a pool. Bytes and requests are those under way, `retries`
 * the ones a second that a pool may always make.
 */
export type NodeLimit =
  | "bytes"
  | "requests"
  | `calls ${string}`
  | `queue ${string}`
  | `items ${string}`
  | `retries ${string}`;

/** How much of a limit this process may use now; never more than `whole`. */
export type PartOfLimit = (limit: NodeLimit, whole: number) => number;

export const ALL_OF_IT: PartOfLimit = (_, whole) => whole;

/** What this process does with its part of a limit, for whoever shares it out. */
export interface LimitUse {
  readonly limit: NodeLimit;
  readonly whole: number;
  readonly used: number;
  /** What it would use beside its part if it had it. */
  readonly wanted: number;
}

/** What is refused or waits for want of room, since somebody asked. */
export class Missed {
  #amount = 0;

  add(amount: number): void {
    this.#amount += amount;
  }

  take(): number {
    const amount = this.#amount;
    this.#amount = 0;
    return amount;
  }
}
