import { isLoopbackHost, isWildcardHost, parseAddress } from "../../config/schema/address.ts";

/**
 * Where a node listens for what. Nodes tell it by the name of the listener, in snake or in camel
 * case.
 */
export function listenerAddress(addresses: Readonly<Record<string, string>>, listener: string): string | undefined {
  return addresses[listener] ?? addresses[inCamelCase(listener)];
}

function inCamelCase(name: string): string {
  return name.replaceAll(/_([a-z])/gu, (_, letter: string) => letter.toUpperCase());
}

/** Whether others can dial it as it is: 999.1.1.1 and a host with a zone are no part of a URL. */
export function isDialable(address: string): boolean {
  const parsed = parseAddress(address);
  if (parsed === undefined || parsed.port === 0 || isWildcardHost(parsed.host)) return false;
  return URL.canParse(`http://${address}`);
}

/** Whether it leads to whoever dials it, on whatever machine that is. */
export function isLoopback(address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && isLoopbackHost(parsed.host);
}
