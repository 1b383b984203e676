import { reasonOf, RouterError } from "../../core/errors.ts";

/** The system's code is on the error itself, or on what it was wrapped around. */
export function listenError(what: string, { host, port }: { host: string; port: number }, cause: unknown): RouterError {
  const origin = cause instanceof RouterError && cause.cause !== undefined ? cause.cause : cause;
  const code = codeOf(origin);
  const tls = code.startsWith("ERR_OSSL") || code.startsWith("ERR_TLS") || code.startsWith("ERR_CRYPTO");
  if (tls) {
    const hint =
      "give the certificate, its key and the clients' authority as PEM, and the key of this very certificate";
    return new RouterError("TLS_INVALID", `certificate of ${what} on ${host}:${port}: ${reasonOf(origin)}`, {
      cause,
      hint,
    });
  }
  const hint = HINTS[code];
  const message = `cannot listen for ${what} on ${host}:${port}: ${reasonOf(origin)}`;
  return new RouterError("LISTEN_FAILED", message, hint === undefined ? { cause } : { cause, hint });
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there: stop it, or choose another port; port 0 takes any free one",
  EACCES: "ports below 1024 need a privilege: choose another port, or grant CAP_NET_BIND_SERVICE",
  EADDRNOTAVAIL: "this machine has no such address: use 0.0.0.0 for all of them, or 127.0.0.1 for this machine only",
  ENOTFOUND: "the host name has no address: check its spelling, or use an IP address",
};
