import { timingSafeEqual } from "node:crypto";
import type { Secret } from "../../core/secret.ts";
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

/** One whose token may become another. */
interface RenewableAuth extends FleetAuth {
  renew(token: Secret | undefined): void;
}

interface FleetAuthOptions {
  readonly token: Secret | undefined;
  /** Whether clients are asked for certificates. */
  readonly mutual: boolean;
}

/** All that is configured has to be right: the certificate, the token, or both. */
export function createFleetAuth({ token, mutual }: FleetAuthOptions): RenewableAuth {
  let digest = token && sha256BytesOf(token.reveal());
  return {
    renew(next) {
      digest = next && sha256BytesOf(next.reveal());
    },
    isMember: (caller) => digest === undefined || hasToken(caller, digest),
    isNode: ({ peerNames }, id) => !mutual || peerNames.some((name) => nodeIn(name) === id),
  };
}

function hasToken(caller: CallerFacts, digest: Buffer): boolean {
  const given = /^Bearer +(\S+)$/iu.exec(caller.header("authorization") ?? "")?.[1];
  // Digests have one length: the time that it takes tells nothing about the token.
  return given !== undefined && timingSafeEqual(digest, sha256BytesOf(given));
}

/** `gateway-1` as it is, and of `spiffe://fleet.example/gateway-1`. */
function nodeIn(name: string): string {
  return name.includes("://") ? name.slice(name.lastIndexOf("/") + 1) : name;
}
