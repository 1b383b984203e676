import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Addresses that only reach what is ours: RFC 1918, unique local (RFC 4193), loopback. */
const PRIVATE = new BlockList();
PRIVATE.addSubnet("10.0.0.0", 8, "ipv4");
PRIVATE.addSubnet("172.16.0.0", 12, "ipv4");
PRIVATE.addSubnet("192.168.0.0", 16, "ipv4");
PRIVATE.addSubnet("127.0.0.0", 8, "ipv4");
PRIVATE.addSubnet("fc00::", 7, "ipv6");
PRIVATE.addAddress("::1", "ipv6");

/**
 * Whether an address is private; false for what is none. IPv4 written as IPv6 (`::ffff:10.0.0.1`)
 * counts as what it is.
 */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return PRIVATE.check(address, "ipv4");
  return isIPv6(address) && PRIVATE.check(address, "ipv6");
}
