import { checkServerIdentity } from "node:tls";
import { isIP } from "node:net";
import { type ChannelCredentials, type ClientOptions, credentials, type VerifyOptions } from "@grpc/grpc-js";
import { RouterError, reasonOf } from "../../core/errors.ts";
import type { StoreTls } from "../store.ts";

/** How an endpoint is spoken with. Throws `STORE_REFUSED` for what are no certificates. */
export function credentialsOf(url: URL, tls: StoreTls | undefined): ChannelCredentials {
  if (url.protocol !== "https:") return credentials.createInsecure();
  try {
    return credentials.createSsl(bytesOf(tls?.ca), bytesOf(tls?.key), bytesOf(tls?.cert), verifyOptions(url, tls));
  } catch (cause) {
    throw new RouterError("STORE_REFUSED", `the certificates for etcd: ${reasonOf(cause)}`, {
      cause,
      hint: "coordination.tls.ca, cert and key have to be PEM, and the key that of the certificate",
    });
  }
}

/**
 * grpc-js tells the server an address as if it were a name (SNI), against RFC 6066, and Node.js
 * warns of that (DEP0123): told in its place is a name that means nothing.
 */
const NO_NAME = "etcd";

export function nameOptions(url: URL, tls: StoreTls | undefined): ClientOptions {
  const told = isIP(expectedOf(url, tls)) === 0 ? tls?.serverName : NO_NAME;
  return url.protocol !== "https:" || told === undefined ? {} : { "grpc.ssl_target_name_override": told };
}

function verifyOptions(url: URL, tls: StoreTls | undefined): VerifyOptions {
  const expected = expectedOf(url, tls);
  if (isIP(expected) === 0) return {};
  return { checkServerIdentity: (_, certificate) => checkServerIdentity(expected, certificate) };
}

function expectedOf({ hostname }: URL, tls: StoreTls | undefined): string {
  return tls?.serverName ?? hostname.replaceAll(/[[\]]/gu, "");
}

function bytesOf(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text);
}
