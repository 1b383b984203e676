import { headerIn, type SenderHeaders } from "./sender-headers.ts";

/**
 * Over how many links from one node of a fleet to another a request has come. Nodes set it for
 * targets that are nodes, and read it while their plan has such targets.
 */
export const HOPS_HEADER = "signalbox-hops";

const COUNT = /^\d{1,4}$/u;

/** What is no number counts as none: it was not set by a node. */
export function hopsIn(headers: SenderHeaders): number {
  const value = headerIn(headers, HOPS_HEADER);
  return value !== undefined && COUNT.test(value) ? Number(value) : 0;
}
