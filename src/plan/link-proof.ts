import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../core/secret.ts";
import { HOPS_HEADER, PATH_HEADER } from "./hops.ts";
import { headerIn, NO_HEADERS, type SenderHeaders, senderHeaders } from "./sender-headers.ts";

/**
 * Shows that a node of the fleet has set the count of links and the way: anybody else may set these
 * two, and then they mean nothing. A digest of both, keyed with what nodes of the fleet know.
 */
export const PROOF_HEADER = "signalbox-proof";

/** In order, as they are read. */
export const LINK_HEADERS: readonly string[] = [HOPS_HEADER, PATH_HEADER, PROOF_HEADER];

/** 128 bits, as base64url. */
const PROOF_LENGTH = 22;

/**
 * The key of all nodes of a fleet, from its token and its id. Undefined: this node knows neither,
 * and believes nobody.
 */
export function linkKeyOf(token: Secret | undefined, fleet: string | undefined): string | undefined {
  if (token === undefined && fleet === undefined) return undefined;
  return keyed(token?.reveal() ?? "", `links of ${fleet ?? ""}`);
}

/** What goes along with a count and a way. */
export function proofOf(key: Secret, hops: string, path: string): string {
  // A count has no blank.
  return keyed(key.reveal(), `${hops} ${path}`).slice(0, PROOF_LENGTH);
}

/** Without the proof, and without what it should have shown where it does not. */
export function provenHeaders(headers: SenderHeaders, key: Secret | undefined): SenderHeaders {
  const { values } = headers;
  if (!values.some(([name]) => LINK_HEADERS.includes(name))) return headers;
  const isOut = isProven(headers, key)
    ? (name: string): boolean => name === PROOF_HEADER
    : (name: string): boolean => LINK_HEADERS.includes(name);
  const left = values.filter(([name]) => !isOut(name));
  return left.length === 0 ? NO_HEADERS : senderHeaders(left);
}

function isProven(headers: SenderHeaders, key: Secret | undefined): boolean {
  const given = headerIn(headers, PROOF_HEADER);
  if (key === undefined || given?.length !== PROOF_LENGTH) return false;
  const wanted = proofOf(key, headerIn(headers, HOPS_HEADER) ?? "", headerIn(headers, PATH_HEADER) ?? "");
  // Values are ASCII: both have one length, and the time that it takes tells nothing.
  return timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}

function keyed(key: string, text: string): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}
