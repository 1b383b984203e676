import { BlockList, isIP, isIPv6 } from "node:net";
import { z } from "zod";
import { Secret } from "../../core/secret.ts";

/** Where a listener binds. */
export interface Address {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Parses `host:port`, with IPv6 in brackets; undefined when it is none. */
export function parseAddress(text: string): Address | undefined {
  const parts = /^(?:\[(?<six>[^\]]+)\]|(?<name>[A-Za-z0-9._-]+)):(?<port>\d{1,5})$/u.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const port = Number(parts["port"]);
  if (port > 65_535 || (parts["six"] !== undefined && !isIPv6(parts["six"]))) return undefined;
  return { host: parts["six"] ?? parts["name"] ?? "", port };
}

/** Back to `host:port`. */
export function formatAddress(address: Address): string {
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

export const AddressSchema = z.string().transform((text, context): Address => {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  context.issues.push({ code: "custom", input: text, message: `is not an address\n${addressHint(text)}` });
  return z.NEVER;
});

function addressHint(text: string): string {
  if (/^:\d+$/u.test(text)) return `did you mean "0.0.0.0${text}"?`;
  if (isIPv6(text.replace(/:\d+$/u, "")) || isIPv6(text)) return "write IPv6 in brackets: [::1]:4317";
  return "write host:port, such as 127.0.0.1:4317";
}

/**
 * What is wrong with the text as an endpoint: a message, and a hint on a second line; undefined
 * when it is one. Only what can be no secret is repeated: people put keys into the path, the query
 * and the user.
 */
export function endpointFault(text: string): string | undefined {
  if (text.includes("@")) return "must not contain a user or a password\nuse headers: { authorization: ... }";
  if (!/^[a-z][a-z0-9+.-]*:\/\//iu.test(text)) return `has no scheme\n${schemeHint(text)}`;
  if (!/^https?:\/\//iu.test(text)) return `must begin with http:// or https://\n${otherSchemeHint(text)}`;
  if (!URL.canParse(text)) return "is not a URL\nwrite it like http://127.0.0.1:4317";
  const url = new URL(text);
  if (url.search !== "" || text.includes("?")) return "must not have a query\nput keys into headers: { api-key: ... }";
  if (url.hash !== "" || text.includes("#")) return "must not have a fragment\nleave out what comes after #";
  if (url.port === "0") return "needs a port that can be connected to\n0 is none";
  return undefined;
}

/** Scheme, host, port and path of a URL, without a slash at the end. */
export const EndpointSchema = z.string().transform((text, context) => {
  const fault = endpointFault(text);
  if (fault === undefined) return new URL(text).href.replace(/\/+$/u, "");
  context.issues.push({ code: "custom", input: text, message: fault });
  return z.NEVER;
});

/** A name or an address, and a port: nothing else is repeated. */
const HOST_AND_PORT = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?\/?$/u;

function schemeHint(text: string): string {
  return HOST_AND_PORT.test(text) ? `did you mean "http://${text}"?` : "write http://host:port";
}

function otherSchemeHint(text: string): string {
  const rest = /^grpc(?<rest>s?:\/\/.*)$/u.exec(text)?.groups?.["rest"] ?? "";
  const isPlain = HOST_AND_PORT.test(rest.replace(/^s?:\/\//u, ""));
  return isPlain ? `did you mean "http${rest}"?` : "say with protocol whether it is gRPC";
}

/**
 * What is wrong with the text as a proxy: a message, and a hint on a second line. Nothing of it is
 * repeated: it may hold a password.
 */
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

/** All addresses of a machine: others cannot dial that. */
export function isWildcardHost(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("0.0.0.0", "ipv4");
LOOPBACK.addAddress("::1", "ipv6");
LOOPBACK.addAddress("::", "ipv6");

/**
 * Whether a host, an IPv6 address without brackets, is this machine: by its address, or by RFC
 * 6761.
 */
export function isLoopbackHost(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host === "localhost" || host.endsWith(".localhost");
  return LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
}

/** The same, and nobody else reaches a listener there. */
export function isThisMachine(host: string): boolean {
  return !isWildcardHost(host) && isLoopbackHost(host);
}
