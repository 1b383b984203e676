import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/**
 * What the peer of a connection is called by its certificate: DNS names and URIs of the SAN. Empty
 * where it gave none, or none that was accepted.
 */
export function certificateNames(socket: Socket): readonly string[] {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return NONE;
  const { subjectaltname = "" } = socket.getPeerCertificate();
  return namesIn(subjectaltname);
}

const NONE: readonly string[] = [];

/** As node writes it: what has unusual characters is a text of JSON, so that no comma misleads. */
const ENTRY = /(?<kind>[A-Za-z ]+):(?:(?<quoted>"(?:[^"\\]|\\.)*")|(?<plain>[^,"]*))(?:, |$)/uy;

/** Names and URIs of `DNS:a.example, URI:spiffe://b`; nothing of what cannot be read whole. */
export function namesIn(alternatives: string): readonly string[] {
  const names: string[] = [];
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < alternatives.length) {
    const parts = ENTRY.exec(alternatives)?.groups;
    if (parts === undefined) return NONE;
    const { kind, quoted, plain = "" } = parts;
    if (kind === "DNS" || kind === "URI") names.push(quoted === undefined ? plain : unquoted(quoted));
  }
  return names;
}

function unquoted(text: string): string {
  const value: unknown = JSON.parse(text);
  return typeof value === "string" ? value : "";
}
