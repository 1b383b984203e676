/**
 * Certificates that are right by themselves and not trusted here, as Node names it (X509_V_ERR_*).
 */
const UNTRUSTED = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_UNTRUSTED",
  "INVALID_CA",
]);

const PLAIN_TEXT = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|HTTPS_PROXY_REQUEST|UNKNOWN_PROTOCOL/u;
const CLIENT_CERTIFICATE = /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|HANDSHAKE_FAILURE/u;

/**
 * A fault of TLS in words, with the key of a target that mends it; undefined for any other fault.
 * What OpenSSL says of it is for those who know its source.
 */
export function tlsReason(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause)) return undefined;
  const code = String(cause.code);
  const reason = "reason" in cause && typeof cause.reason === "string" ? cause.reason : "";
  if (UNTRUSTED.has(code))
    return "its certificate is signed by nobody who is trusted here: targets[].tls.ca names who is";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return "its certificate is for other names: write one of them into the endpoint, or into targets[].tls.server_name";
  if (code === "CERT_HAS_EXPIRED") return "its certificate has expired";
  if (code === "CERT_NOT_YET_VALID") return "its certificate is not valid yet: is the time of this machine right?";
  if (!/^(?:EPROTO|ERR_SSL_|ERR_OSSL_)/u.test(code)) return undefined;
  const told = `${code} ${reason.toUpperCase().replaceAll(" ", "_")} ${linesOf(cause.message)}`;
  if (/NO_APPLICATION_PROTOCOL/u.test(told))
    return "it does not take what is spoken with it: HTTP/1.1 for http/protobuf and http/json, HTTP/2 for grpc (targets[].protocol)";
  if (PLAIN_TEXT.test(told)) return "it does not speak TLS there: write http:// in the endpoint, not https://";
  if (/KEY_VALUES_MISMATCH/u.test(told)) return "the key is not that of the certificate";
  if (
    /NO_START_LINE|BAD_BASE64|BAD_END_LINE|ASN1|WRONG_TAG|TOO_LONG|DECODER|UNSUPPORTED/u.test(told) &&
    code.startsWith("ERR_OSSL_")
  )
    return "it is no PEM that can be read";
  if (CLIENT_CERTIFICATE.test(told))
    return "it does not take the certificate of this side, or wants one: targets[].tls.cert and key";
  return `TLS failed${reason === "" ? "" : `: ${reason}`}`;
}

/** `...:SSL routines:ssl3_get_record:wrong version number:...` in the way of codes. */
function linesOf(message: string): string {
  return message.toUpperCase().replaceAll(" ", "_");
}
