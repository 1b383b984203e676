import { isIP } from "node:net";
import { checkServerIdentity, type ConnectionOptions } from "node:tls";

/**
 * Whose certificate is accepted. The name is told to the peer, too (SNI), unless it is an address:
 * RFC 6066, 3, of which Node.js warns (DEP0123); RFC 9113, 9.2.
 */
export function expectedName(name: string): Pick<ConnectionOptions, "servername" | "checkServerIdentity"> {
  if (isIP(name) === 0) return { servername: name };
  return { checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate) };
}
