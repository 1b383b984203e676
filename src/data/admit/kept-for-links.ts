import type { HeaderSource } from "../../plan/sender-headers.ts";

/** Tells what nodes of the fleet send on from what comes from senders. */
export interface LinkReader {
  /** Some target stands for nodes of the fleet. */
  readonly hasLinks: boolean;
  /** Over so many links between nodes a request with these headers has come, as it proves. */
  linksOf(headers: HeaderSource): number;
}

/**
 * Of `max_concurrent_requests`, where some target is nodes of the fleet, senders leave this share
 * to what comes from other nodes, and that half as much with each link, as in queues. Else nodes
 * that wait for each other, full of what their own senders want, would refuse each other.
 */
export const KEPT_FOR_LINKS = 1 / 8;

/** Of so many requests, what is left to those that have come over more links. */
export function keptForLinks(most: number, links: LinkReader | undefined, headers: HeaderSource | undefined): number {
  if (links?.hasLinks !== true) return 0;
  const hops = headers === undefined ? 0 : links.linksOf(headers);
  return Math.floor((KEPT_FOR_LINKS * most) / 2 ** hops);
}
