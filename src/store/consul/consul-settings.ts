import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { reasonOf, RouterError } from "../../core/errors.ts";
import type { ConsulSettings, StoreTls } from "../store.ts";

/**
 * `http://host:port` of each endpoint. Throws `STORE_REFUSED` for what no Consul can be reached
 * with.
 */
export function originsOf({ endpoints, token, tls }: ConsulSettings): string[] {
  if (endpoints.length === 0) {
    throw refused("consul has no endpoint", 'coordination.endpoints: ["http://127.0.0.1:8500"]');
  }
  // Not shown: it may be the right one but for what was pasted with it.
  if (token !== undefined && !/^[\u0021-\u007e]+$/u.test(token)) {
    throw refused(
      "consul: the token has characters that no token has",
      "coordination.token has no space or line end in it",
    );
  }
  if (tls !== undefined) checkTls(tls);
  return endpoints.map(originOf);
}

function originOf(endpoint: string): string {
  const url = URL.parse(endpoint);
  if (url !== null && /^https?:$/u.test(url.protocol) && url.hostname !== "" && url.username === "") return url.origin;
  const shown = JSON.stringify(endpoint.replace(/\/\/.*@/u, "//...@"));
  throw refused(`consul: ${shown} is no endpoint`, "coordination.endpoints are http://host:port or https://host:port");
}

function checkTls({ ca, cert, key }: StoreTls): void {
  try {
    createSecureContext({ cert, key });
    if (ca !== undefined) new X509Certificate(ca); // oxlint-disable-line no-new -- which reads it
  } catch (cause) {
    throw refused(
      `consul: the certificates: ${reasonOf(cause)}`,
      "coordination.tls.ca, cert and key have to be PEM, and the key that of the certificate",
      cause,
    );
  }
}

function refused(message: string, hint: string, cause?: unknown): RouterError {
  return new RouterError("STORE_REFUSED", message, { hint, cause });
}
