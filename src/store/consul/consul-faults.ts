import { errors } from "undici";
import { type ErrorCode, reasonOf, RouterError } from "../../core/errors.ts";
import { type ConsulReply, isTransient, textOf } from "./consul-reply.ts";

/** Of a server that could not be asked, or whose answer did not come. */
export function connectionFault(endpoint: string, cause: unknown): RouterError {
  const { reason, hint } = explain(codeOf(cause), cause, endpoint.startsWith("https:"));
  return new RouterError("STORE_UNREACHABLE", `consul ${endpoint}: ${reason}`, { cause, hint });
}

/** Of an answer that is no success. */
export function replyFault(reply: ConsulReply): RouterError {
  const said = textOf(reply);
  const text = `consul ${reply.endpoint}: HTTP ${reply.status}${said === "" ? "" : `: ${said}`}`;
  return new RouterError(codeOfReply(reply), text, { hint: hintForReply(reply.status, said) });
}

/** Of an answer that is a success, and cannot be understood. */
export function unreadable(reply: ConsulReply, what: string): RouterError {
  const text = `consul ${reply.endpoint}: its answer to a request for ${what} cannot be read`;
  return new RouterError("STORE_UNREACHABLE", text, {
    hint: "is it Consul that listens there? coordination.endpoints",
  });
}

/** Of an operation of a transaction, or a write, that no comparison explains. */
export function operationFault({ endpoint }: ConsulReply, what: string): RouterError {
  const text = `consul ${endpoint}: ${what}`;
  if (SESSION.test(what)) return new RouterError("SESSION_LOST", text, { hint: "open a session anew" });
  const hint = /permission denied/iu.test(what) ? RIGHTS_HINT : "the log of that Consul agent says more";
  return new RouterError("STORE_REFUSED", text, { hint });
}

/** What it says of a session that has ended, or that never was. */
export const SESSION = /invalid session|session lookup|missing session/iu;

const RIGHTS_HINT =
  'the policy of coordination.token needs key_prefix "<prefix>" { policy = "write" } and session_prefix "" { policy = "write" }';

/** The token may not see all of what was asked for. */
export function filtered(endpoint: string, key: string): RouterError {
  const text = `consul ${endpoint}: the token may not read all that begins with ${key}`;
  return new RouterError("STORE_REFUSED", text, { hint: RIGHTS_HINT });
}

function codeOfReply(reply: ConsulReply): ErrorCode {
  if (isNoConsul(reply)) return "STORE_UNREACHABLE";
  return isTransient(reply) && !SENSELESS.test(textOf(reply)) ? "STORE_UNREACHABLE" : "STORE_REFUSED";
}

/** Whoever answers so is another program, or it is not Consul's way to be spoken with. */
function isNoConsul(reply: ConsulReply): boolean {
  const { status } = reply;
  return (status >= 300 && status < 400) || OF_OTHERS.has(status) || SPEAKS_TLS.test(textOf(reply));
}

/** Consul takes the methods and bodies that it is sent. */
const OF_OTHERS: ReadonlySet<number> = new Set([405, 406, 411, 415, 421, 426, 501, 505]);
const SPEAKS_TLS = /HTTP request to an HTTPS server/iu;

/** What Consul says with HTTP 500 of a request that no server will ever take. */
export const SENSELESS = /must be between|invalid session|session lookup|missing session|permission denied/iu;

function hintForReply(status: number, said: string): string {
  if (/ACL not found/iu.test(said)) return "Consul does not know coordination.token, or does not know it any more";
  if (status === 401 || status === 403 || /permission denied/iu.test(said)) return RIGHTS_HINT;
  if (status === 413)
    return "limits { kv_max_value_size, txn_max_req_len } of the Consul agents bound what one write may have";
  if (status === 429 || /rate limit/iu.test(said))
    return "limits { request_limits } of the Consul servers bound the rate";
  if (SPEAKS_TLS.test(said)) return "write https:// in coordination.endpoints";
  if (/no cluster leader/iu.test(said))
    return "Consul has no leader now: consul operator raft list-peers says which of its servers are there";
  // A port of gRPC alone, and whoever does not speak HTTP/1.1 or know PUT, say these; Consul never.
  const isOther = status < 500 || status === 501 || status === 505;
  return isOther ? "is it Consul's HTTP API that listens there?" : "the log of that Consul agent says why";
}

interface Explained {
  readonly reason: string;
  readonly hint: string;
}

function explain(code: string, cause: unknown, isTls: boolean): Explained {
  // With TLS 1.3 who wants a certificate says so after it has taken the connection, if at all.
  if (isTls && /^(?:UND_ERR_SOCKET|ECONNRESET|EPIPE)$/u.test(code)) {
    const hint = "does it want a certificate of this side (verify_incoming)? coordination.tls.cert and key";
    return { reason: reasonOf(cause), hint };
  }
  const known = KNOWN.find(({ of }) => of.test(code));
  if (known !== undefined) return { reason: known.reason ?? reasonOf(cause), hint: known.hint };
  return { reason: reasonOf(cause), hint: "is Consul's HTTP API there? coordination.endpoints names it" };
}

const KNOWN: readonly { readonly of: RegExp; readonly reason?: string; readonly hint: string }[] = [
  { of: /^(?:ENOTFOUND|EAI_AGAIN)$/u, hint: "the name is not known: coordination.endpoints" },
  {
    of: /^ERR_TLS_CERT_ALTNAME_INVALID$/u,
    reason: "its certificate is for other names",
    hint: "write one of them into coordination.endpoints, or into coordination.tls.server_name",
  },
  { of: /^CERT_HAS_EXPIRED$/u, reason: "its certificate has expired", hint: "renew it" },
  {
    of: /^CERT_NOT_YET_VALID$/u,
    reason: "its certificate is not valid yet",
    hint: "is the time of this machine right?",
  },
  {
    of: /SELF_SIGNED|ISSUER|VERIFY_LEAF|CERT_UNTRUSTED|INVALID_CA/u,
    reason: "its certificate is signed by nobody who is trusted here",
    hint: "coordination.tls.ca names who is",
  },
  {
    of: /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|HANDSHAKE_FAILURE/u,
    reason: "it does not take the certificate of this side, or wants one",
    hint: "coordination.tls.cert and key",
  },
  {
    of: /WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST|UNKNOWN_PROTOCOL/u,
    reason: "it does not speak TLS there",
    hint: "write http:// in coordination.endpoints, not https://",
  },
  {
    of: /^HPE/u,
    reason: "what listens there does not speak HTTP/1",
    hint: "if that is TLS write https:// in coordination.endpoints",
  },
  {
    of: /^UND_ERR_RES_EXCEEDED_MAX_SIZE$/u,
    reason: "its answer has more bytes than are read of one",
    hint: "there are too many or too large values under that prefix",
  },
];

/** Of several addresses that were tried, the first one's. */
function codeOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return codeOf(cause.errors[0]);
  if (cause instanceof errors.HTTPParserError) return "HPE";
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
