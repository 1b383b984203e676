/** RFC 9110 field names; in lower case they are HTTP/2's too. */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/u;

/** What may be sent as a header. */
export const HEADER_VALUE = /^[\t\x20-\x7e]*$/u;
/** Message and hint for what may not. */
export const HEADER_VALUE_FAULT = ["a header value is one line of printable ASCII", "encode other characters"] as const;

/**
 * Headers of senders whose values are credentials: nobody is shown them, and nothing may keep them.
 */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie"]);

/** Whether the value of a header, by its lower-case name, is a credential. */
export function isCredential(name: string): boolean {
  return CREDENTIALS.has(name);
}

/** Those that hold for one connection only (RFC 9110, 7.6.1; RFC 9113, 8.2.2). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const OWN: ReadonlyMap<string, string> = new Map([
  ["host", "it names the address that was called, and the target has another"],
  ["expect", "it is settled between two neighbours"],
  ["accept-encoding", "it says what this router can read, not what the sender can"],
  ["signalbox-hops", "it is counted anew by each node of a fleet"],
  ["signalbox-path", "it is told anew by each node of a fleet"],
  ["signalbox-proof", "it is made anew by each node of a fleet"],
  ["user-agent", "targets are told who calls them: this router"],
]);

/**
 * Why a header may not be passed on from a sender to a target, by its lower-case name; undefined
 * when it may.
 */
export function neverForwarded(name: string): string | undefined {
  if (name.startsWith(":")) return "pseudo-headers belong to one call";
  if (HOP_BY_HOP.has(name)) return "it holds for one connection only";
  if (name.startsWith("proxy-")) return "it is meant for the next proxy only";
  if (name.startsWith("content-")) return "it tells of the sender's body, and what is sent on is another one";
  if (name.startsWith("grpc-")) return "it is set by the protocol";
  if (name.endsWith("-bin")) return "its value is binary, and only printable ASCII is passed on";
  return OWN.get(name);
}
