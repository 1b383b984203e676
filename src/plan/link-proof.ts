import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../core/secret.ts";
import type { FleetTokens } from "../config/schema/node-fleet.ts";
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
 * The keys of all nodes of a fleet: the first proves, all of them are believed. They are of its
 * tokens; without one of its id, which is no secret. None: this node knows neither, and believes
 * nobody.
 */
export function linkKeysOf({ token, accept_tokens = [] }: FleetTokens, fleet: string | undefined): readonly string[] {
  if (token === undefined) return fleet === undefined ? [] : [keyed("", `links of ${fleet}`)];
  return [token, ...accept_tokens].map((one) => keyed(one.reveal(), "links"));
}

/** What goes along with a count and a way. */
export function proofOf(key: Secret, hops: string, path: string): string {
  // A count has no blank.
  return keyed(key.reveal(), `${hops} ${path}`).slice(0, PROOF_LENGTH);
}

/** Without the proof, and without what it should have shown where it does not. */
export function provenHeaders(headers: SenderHeaders, keys: readonly Secret[]): SenderHeaders {
  const { values } = headers;
  if (!values.some(([name]) => LINK_HEADERS.includes(name))) return headers;
  const isOut = isProven(headers, keys)
    ? (name: string): boolean => name === PROOF_HEADER
    : (name: string): boolean => LINK_HEADERS.includes(name);
  const left = values.filter(([name]) => !isOut(name));
  return left.length === 0 ? NO_HEADERS : senderHeaders(left);
}

function isProven(headers: SenderHeaders, keys: readonly Secret[]): boolean {
  const given = headerIn(headers, PROOF_HEADER);
  if (given?.length !== PROOF_LENGTH) return false;
  const hops = headerIn(headers, HOPS_HEADER) ?? "";
  const path = headerIn(headers, PATH_HEADER) ?? "";
  // Values are ASCII: all have one length, and the time that it takes tells nothing.
  return keys.some((key) => timingSafeEqual(Buffer.from(given), Buffer.from(proofOf(key, hops, path))));
}

function keyed(key: string, text: string): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}
