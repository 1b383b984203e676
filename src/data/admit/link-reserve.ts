import { reservedForLinks, MOST_RESERVED } from "../../plan/hops.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";

/** Tells what nodes of the fleet send on from what comes from senders. */
export interface LinkReader {
  /** Some target stands for nodes of the fleet. */
  readonly hasLinks: boolean;
  /** Over so many links between nodes a request with these headers has come, as it proves. */
  linksOf(headers: HeaderSource): number;
}

/** A request, as far as it may have come from another node. */
export interface LinkedRequest {
  /** Undefined: it has not. */
  readonly headers: HeaderSource | undefined;
  /** As `linksOf` said once; undefined: nobody has asked. */
  links: number | undefined;
}

/** What is kept of limits for nodes of the fleet, where some target is such, as in queues. */
export class LinkReserve {
  #reader: (() => LinkReader) | undefined;

  heed(reader: () => LinkReader): void {
    this.#reader = reader;
  }

  /** Whether so much of `most` is used that something may be kept of the rest. */
  mayKeep(most: number, used: number): boolean {
    if (this.#reader === undefined || used <= (1 - MOST_RESERVED) * most) return false;
    return used > most - reservedForLinks(most, 0);
  }

  /**
   * Of `most`, what is left to requests that have come over more links than this one; 0 as well
   * while `used` of it, with the request, leaves enough to all. Only else its headers are read.
   */
  from(most: number, used: number, request: LinkedRequest): number {
    if (!this.mayKeep(most, used)) return 0;
    const reader = this.#reader?.();
    if (reader?.hasLinks !== true) return 0;
    const { headers } = request;
    request.links ??= headers === undefined ? 0 : reader.linksOf(headers);
    return reservedForLinks(most, request.links);
  }
}
