import { type Finding, fault } from "../finding.ts";
import type { Outline } from "../outline.ts";
import { formatAddress, isLoopbackHost, parseAddress } from "../schema/address.ts";
import { DEFAULT_FLEET_ADDRESS } from "../schema/node-fleet.ts";
import { textOf, type Values, valueAt, valuesOf } from "../values.ts";

const PATH = ["node", "fleet"];

/** Nobody speaks to a controller over a network in plain text, or without saying who it is. */
export function checkNodeFleet({ root }: Outline): Finding[] {
  const fleet = valuesOf(valueAt(root, ...PATH));
  return fleet === undefined ? [] : [...checkListener(fleet), ...checkAdvertised(fleet), ...checkClient(fleet)];
}

/** What other nodes are told to dial: it has to be an address that they can, and by TLS. */
function checkAdvertised(fleet: Values): Finding[] {
  const listen = valuesOf(fleet["listen"]);
  const address = listen && parseAddress(textOf(listen["address"] ?? DEFAULT_FLEET_ADDRESS) ?? "");
  const told = parseAddress(textOf(fleet["advertise"]) ?? "");
  if (told === undefined) {
    if (address === undefined || !isWildcard(address.host)) return [];
    const message = `other nodes cannot dial ${formatAddress(address)}`;
    const hint = "add node.fleet.advertise: the host:port by which this machine is reached";
    return [fault([...PATH, "listen", "address"], message, hint)];
  }
  if (isThisMachine(told.host) || valuesOf(listen?.["tls"]) !== undefined) return [];
  const message = `what nodes tell their controller would cross the network in plain text to ${formatAddress(told)}`;
  return [fault([...PATH, "advertise"], message, "add node.fleet.listen.tls: { cert, key }")];
}

function checkListener(fleet: Values): Finding[] {
  const listen = valuesOf(fleet["listen"]);
  const address = listen && parseAddress(textOf(listen["address"] ?? DEFAULT_FLEET_ADDRESS) ?? "");
  if (listen === undefined || address === undefined || isThisMachine(address.host)) return [];
  const path = [...PATH, "listen", "address"];
  const tls = valuesOf(listen["tls"]);
  if (tls === undefined) {
    const message = `what nodes tell their controller would cross the network in plain text to ${formatAddress(address)}`;
    return [fault(path, message, "add node.fleet.listen.tls: { cert, key }, or listen on 127.0.0.1")];
  }
  if (tls["client_ca"] !== undefined || fleet["token"] !== undefined) return [];
  const message = `everyone who reaches ${formatAddress(address)} could call itself a node of the fleet`;
  return [fault(path, message, "add node.fleet.listen.tls.client_ca, or node.fleet.token")];
}

function checkClient(fleet: Values): Finding[] {
  const tls = valuesOf(fleet["tls"]);
  if (tls === undefined || (tls["cert"] === undefined) === (tls["key"] === undefined)) return [];
  const [there, missing] = tls["cert"] === undefined ? ["key", "cert"] : ["cert", "key"];
  return [fault([...PATH, "tls", there], `needs ${missing}`, `add ${missing}, or leave ${there} out`)];
}

/** All addresses of a machine are not only this machine's to reach. */
function isThisMachine(host: string): boolean {
  return !isWildcard(host) && isLoopbackHost(host);
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
