import { isIPv6 } from "node:net";
import { z } from "zod";

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
