import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { Secret } from "../../core/secret.ts";

/** What is wrong with the text as a proxy: a message, and a hint on a second line. Nothing of it is repeated: it may hold a password. */
export function proxyFault(text: string): string | undefined {
  if (!/^https?:\/\//iu.test(text)) return `must begin with http:// or https://, or be none\n${EXAMPLE}`;
  if (!URL.canParse(text)) return `is not a URL\n${EXAMPLE}`;
  const url = new URL(text);
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") return `is a host and a port only\n${EXAMPLE}`;
  if (url.port === "0") return "needs a port that can be connected to\n0 is none";
  return undefined;
}

const EXAMPLE = "write it like http://user:password@proxy.example.com:3128";

/** The URL of a proxy, which is a secret as it may have a password; or `none`. */
export const ProxySchema = z.string().transform((text, context): Secret | "none" => {
  if (text === "none") return "none";
  const fault = proxyFault(text);
  if (fault === undefined) return new Secret(text);
  context.issues.push({ code: "custom", input: text, message: fault });
  return z.NEVER;
});

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("0.0.0.0", "ipv4");
LOOPBACK.addAddress("::1", "ipv6");
LOOPBACK.addAddress("::", "ipv6");

/** Whether a host, an IPv6 address without brackets, is this machine: by its address, or by RFC 6761. */
export function isLoopbackHost(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host === "localhost" || host.endsWith(".localhost");
  return LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
}
