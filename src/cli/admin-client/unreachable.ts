import { reasonOf } from "../../core/errors.ts";

/** Why nobody answered, and what to do about it. */
export interface Unreached {
  readonly reason: string;
  readonly hint: string;
}

/** The fault of a call that took too long. */
export function timedOut(after: string): Error {
  return Object.assign(new Error(`no answer within ${after}`), { code: "SIGNALBOX_TIMEOUT" });
}

/** From what node:http, node:https and the sockets below them say. */
export function whyUnreachable(cause: unknown, url: string): Unreached {
  const code = codeOf(cause);
  const isTls = url.startsWith("https:");
  return { reason: reasonFor(code, isTls) ?? reasonOf(cause), hint: hintFor(code, isTls) };
}

/** In the words of this end: what OpenSSL and the parser of HTTP say is for those who know them. */
function reasonFor(code: string, isTls: boolean): string | undefined {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "its certificate is for other names";
  if (code === "CERT_HAS_EXPIRED") return "its certificate has expired";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "call it by a name that its certificate has, with --url";
  if (/CERT|SIGNATURE|ISSUER/u.test(code)) return "its certificate is signed by nobody who is trusted here";
  if (isTls && (code === "EPROTO" || code.startsWith("ERR_SSL"))) return "it does not take part in TLS";
  return code.startsWith("HPE_") ? "it does not answer in HTTP/1" : undefined;
}

function hintFor(code: string, isTls: boolean): string {
  if (code === "SIGNALBOX_TIMEOUT") return "is it the admin listener (node.listen.admin)? --timeout waits longer";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "the name is not known; name another node with --url or SIGNALBOX_URL";
  if (/CERT|SIGNATURE|ISSUER/u.test(code)) return "--ca <file> names the authority that signed its certificate";
  if (isTls && (code === "EPROTO" || code.startsWith("ERR_SSL")))
    return "it seems to speak without TLS (write http://), or wants a certificate";
  if (!isTls && (code === "ECONNRESET" || code.startsWith("HPE_"))) {
    return "what listens there does not speak HTTP/1: if that is TLS write https://; the admin listener is node.listen.admin";
  }
  return "start a node with signalbox run, or name another one with --url or SIGNALBOX_URL; the port is node.listen.admin";
}

/** Of several addresses that were tried, the first one's. */
function codeOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return codeOf(cause.errors[0]);
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
