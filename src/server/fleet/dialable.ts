import { networkInterfaces } from "node:os";
import { formatAddress, isWildcardHost, parseAddress } from "../../config/schema/address.ts";

/**
 * Addresses as others can dial them. A listener on all addresses of the machine is reached by the
 * name that the node tells of itself, or else by the machine's first address that others reach.
 */
export function dialable(
  addresses: Readonly<Record<string, string>>,
  advertised: string | undefined,
  hosts: () => readonly string[] = machineHosts,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(addresses).map(([name, address]) => {
      const parsed = parseAddress(address);
      if (parsed === undefined || !isWildcardHost(parsed.host)) return [name, address];
      const host = parseAddress(advertised ?? "")?.host ?? hosts()[0] ?? "127.0.0.1";
      return [name, formatAddress({ host, port: parsed.port })];
    }),
  );
}

/** Those that are not this machine's alone, IPv4 first: who listens on all addresses takes it. */
export function machineHosts(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((its) => its ?? []);
  const reached = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  return reached.toSorted((a, b) => (a.family < b.family ? -1 : a.family > b.family ? 1 : 0)).map((one) => one.address);
}
