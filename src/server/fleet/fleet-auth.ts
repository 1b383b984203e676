import { timingSafeEqual } from "node:crypto";
import type { FleetTokens } from "../../config/schema/node-fleet.ts";
import { sha256BytesOf } from "../../core/sha256.ts";

/** What a call tells of who it comes from. */
interface CallerFacts {
  /** Of its certificate, which the TLS library has accepted. */
  readonly peerNames: readonly string[];
  header(name: string): string | undefined;
}

export interface FleetAuth {
  /** Whether it belongs to the fleet at all. */
  isMember(caller: CallerFacts): boolean;
  /** Whether it is the node of this id; without certificates whoever has the token may be any. */
  isNode(caller: CallerFacts, id: string): boolean;
}

/** One whose tokens may become others. */
interface RenewableAuth extends FleetAuth {
  renew(tokens: FleetTokens): void;
}

interface FleetAuthOptions extends FleetTokens {
  /** Whether clients are asked for certificates. */
  readonly mutual: boolean;
}

/** All that is configured has to be right: the certificate, the token, or both. */
export function createFleetAuth({ mutual, ...tokens }: FleetAuthOptions): RenewableAuth {
  let digests = digestsOf(tokens);
  return {
    renew(next) {
      digests = digestsOf(next);
    },
    isMember: (caller) => digests.length === 0 || hasToken(caller, digests),
    isNode: ({ peerNames }, id) => !mutual || peerNames.some((name) => nodeIn(name) === id),
  };
}

/** None: nobody is asked for a token. */
function digestsOf({ token, accept_tokens = [] }: FleetTokens): readonly Buffer[] {
  return token === undefined ? [] : [token, ...accept_tokens].map((one) => sha256BytesOf(one.reveal()));
}

function hasToken(caller: CallerFacts, digests: readonly Buffer[]): boolean {
  const given = /^Bearer +(\S+)$/iu.exec(caller.header("authorization") ?? "")?.[1];
  if (given === undefined) return false;
  const shown = sha256BytesOf(given);
  // Digests have one length: the time that it takes tells nothing about the token.
  return digests.some((digest) => timingSafeEqual(digest, shown));
}

/** `gateway-1` as it is, and of `spiffe://fleet.example/gateway-1`. */
function nodeIn(name: string): string {
  return name.includes("://") ? name.slice(name.lastIndexOf("/") + 1) : name;
}
