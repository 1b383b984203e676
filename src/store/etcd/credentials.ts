import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { RouterError, reasonOf } from "../../core/errors.ts";
import type { StoreTls } from "../store.ts";

/** How an endpoint is spoken with. Throws `STORE_REFUSED` for what are no certificates. */
export function credentialsOf({ protocol }: URL, tls: StoreTls | undefined): ChannelCredentials {
  if (protocol !== "https:") return credentials.createInsecure();
  try {
    return credentials.createSsl(bytesOf(tls?.ca), bytesOf(tls?.key), bytesOf(tls?.cert));
  } catch (cause) {
    throw new RouterError("STORE_REFUSED", `the certificates for etcd: ${reasonOf(cause)}`, {
      cause,
      hint: "coordination.tls.ca, cert and key have to be PEM, and the key that of the certificate",
    });
  }
}

function bytesOf(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text);
}
