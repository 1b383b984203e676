import { NAME_PATTERN } from "../config/schema/values.ts";
import { headerIn, MAX_HEADER_VALUE, type SenderHeaders } from "./sender-headers.ts";

/**
 * Over how many links from one node of a fleet to another a request has come. Nodes set it for
 * targets that are nodes, and read it while their plan has such targets.
 */
export const HOPS_HEADER = "signalbox-hops";

/**
 * The ids of nodes that all of a request has come through, the newest last, with commas in between:
 * set and read as the count is. Of a long way the newest part.
 */
export const PATH_HEADER = "signalbox-path";

/** A line of the log, and so an event. */
export const CIRCLE_MESSAGE = "requests go in a circle between nodes of the fleet: they are refused";

const COUNT = /^\d{1,4}$/u;

/** What is no number counts as none: it was not set by a node. */
export function hopsIn(headers: SenderHeaders): number {
  const value = headerIn(headers, HOPS_HEADER);
  return value !== undefined && COUNT.test(value) ? Number(value) : 0;
}

/**
 * Where targets are nodes of the fleet, senders leave this share of a limit to what comes from
 * other nodes. So nodes of which each waits for the next one are never all full, and what goes
 * round between them ends.
 */
const RESERVED_FOR_LINKS = 1 / 8;
/** For so many links something is kept of a small limit, too: for those of a usual `max_hops`. */
const RESERVED_LINKS = 4;
/** More than this share of a limit is never kept. */
export const MOST_RESERVED = 1 / 2;

/**
 * Of `most`, what those that have come over so many links leave to all that have over more: always
 * more than these leave themselves, as far as there is as much.
 */
export function reservedForLinks(most: number, links: number): number {
  const share = Math.floor((RESERVED_FOR_LINKS * most) / 2 ** links);
  const least = Math.min(RESERVED_LINKS, Math.floor(MOST_RESERVED * most)) - links;
  return Math.max(share, least, 0);
}

const NO_PATH: readonly string[] = [];

/**
 * As told by whoever sent it, who may have made it up: no more than one for each link that is
 * counted, and only what can be the id of a node.
 */
export function pathIn(headers: SenderHeaders): readonly string[] {
  const value = headerIn(headers, PATH_HEADER);
  const hops = value === undefined ? 0 : hopsIn(headers);
  if (value === undefined || hops === 0) return NO_PATH;
  return value
    .split(",")
    .slice(-hops)
    .filter((id) => NAME_PATTERN.test(id));
}

/** The value of the header for what `node` sends on: where all of it, that came so, has been. */
export function pathThrough(all: Iterable<SenderHeaders>, node: string): string {
  let first: SenderHeaders | undefined;
  let path = NO_PATH;
  for (const headers of all) {
    if (headers === first) continue;
    if (first === undefined) path = pathIn(headers);
    else if (path.length > 0) path = inBoth(path, headers);
    first ??= headers;
  }
  let value = node;
  for (let i = path.length - 1; i >= 0; i--) {
    const longer = `${path[i]!},${value}`;
    if (longer.length > MAX_HEADER_VALUE) break;
    value = longer;
  }
  return value;
}

function inBoth(path: readonly string[], headers: SenderHeaders): readonly string[] {
  const other = pathIn(headers);
  return path.filter((id) => other.includes(id));
}
