import { type Finding, fault, type Path } from "../finding.ts";
import type { Outline } from "../outline.ts";
import { listOf, textOf, type Values, valueAt, valuesOf } from "../values.ts";
import { type Address, formatAddress, isThisMachine, isWildcardHost, parseAddress } from "../schema/address.ts";
import { DEFAULT_ADDRESSES, SAMPLING_ADDRESSES } from "../schema/node.ts";
import { DEFAULT_FLEET_ADDRESS } from "../schema/node-fleet.ts";

interface ListenAddress {
  readonly name: string;
  readonly path: Path;
  readonly address: Address;
}

/**
 * Each listener has an address of its own, and the admin API is not open to the network without a
 * token.
 */
export function checkListeners({ root }: Outline): Finding[] {
  const listeners = Object.entries(DEFAULT_ADDRESSES).flatMap(([name, address]) =>
    readListener(valueAt(root, "node", "listen", name), name, address),
  );
  const asked = Object.entries(SAMPLING_ADDRESSES).flatMap(([name, address]) => {
    const listener = valueAt(root, "node", "listen", name);
    return listener === undefined ? [] : readListener(listener, name, address);
  });
  const fleet = valueAt(root, "node", "fleet", "listen");
  const own = fleet === undefined ? [] : readListener(fleet, "fleet", DEFAULT_FLEET_ADDRESS);
  return [...checkShared([...listeners, ...asked, ...own]), ...checkAdmin(root, listeners)];
}

function readListener(listener: unknown, name: string, otherwise: string): ListenAddress[] {
  const values = listener === undefined ? {} : valuesOf(listener);
  const written = values?.["address"];
  const address =
    values === undefined ? undefined : parseAddress(written === undefined ? otherwise : (textOf(written) ?? ""));
  return address === undefined ? [] : [{ name, address, path: pathOf(name) }];
}

function pathOf(name: string): Path {
  return name === "fleet" ? ["node", "fleet", "listen", "address"] : ["node", "listen", name, "address"];
}

function checkShared(listeners: readonly ListenAddress[]): Finding[] {
  return listeners.flatMap(({ name, address, path }, i) => {
    const other = listeners.slice(0, i).find((earlier) => collide(earlier.address, address));
    if (other === undefined) return [];
    const message = `${formatAddress(address)} is where ${other.name} listens (${formatAddress(other.address)})`;
    return [fault(path, message, `give ${name} another port`)];
  });
}

function collide(a: Address, b: Address): boolean {
  return a.port !== 0 && a.port === b.port && (a.host === b.host || [a.host, b.host].some(isWildcardHost));
}

function checkAdmin(root: Values, listeners: readonly ListenAddress[]): Finding[] {
  const admin = listeners.find(({ name }) => name === "admin");
  const isProtected = listOf(valueAt(root, "node", "admin", "tokens")).length > 0;
  if (admin === undefined || isProtected || isThisMachine(admin.address.host)) return [];
  const message = `the admin API would be open to everyone who reaches ${formatAddress(admin.address)}`;
  return [fault(admin.path, message, "add node.admin.tokens, or listen on 127.0.0.1")];
}
