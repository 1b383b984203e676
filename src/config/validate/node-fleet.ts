import { parseDuration } from "../../core/units.ts";
import { type Finding, fault } from "../finding.ts";
import type { Outline } from "../outline.ts";
import { formatAddress, isThisMachine, isWildcardHost, parseAddress } from "../schema/address.ts";
import { DEFAULT_FLEET_ADDRESS } from "../schema/node-fleet.ts";
import { textOf, type Values, valueAt, valuesOf } from "../values.ts";
import { checkPair } from "./coordination.ts";

const PATH = ["node", "fleet"];
const CONSUL_LEAST_MS = 10_000;

/** Nobody speaks to a controller over a network in plain text, or without saying who it is. */
export function checkNodeFleet({ root }: Outline): Finding[] {
  const fleet = valuesOf(valueAt(root, ...PATH));
  if (fleet === undefined) return [];
  const type = textOf(valueAt(root, "node", "coordination", "type"));
  return [
    ...checkListener(fleet),
    ...checkAdvertised(fleet),
    ...checkTokens(fleet),
    ...checkPair(valuesOf(fleet["tls"]) ?? {}, "cert", "key", [...PATH, "tls"]),
    ...checkLease(fleet, type),
  ];
}

/** What other nodes are told to dial: it has to be an address that they can, and by TLS. */
function checkAdvertised(fleet: Values): Finding[] {
  const listen = valuesOf(fleet["listen"]);
  const address = listen && parseAddress(textOf(listen["address"] ?? DEFAULT_FLEET_ADDRESS) ?? "");
  const told = parseAddress(textOf(fleet["advertise"]) ?? "");
  if (told === undefined) {
    if (address === undefined || !isWildcardHost(address.host)) return [];
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

/** A controller without a token of its own asks for none. */
function checkTokens({ token, accept_tokens: accepted }: Values): Finding[] {
  if (token !== undefined || !Array.isArray(accepted) || accepted.length === 0) return [];
  const hint = "add node.fleet.token: the one that this node shows";
  return [fault([...PATH, "accept_tokens"], "means nothing without a token", hint)];
}

/** Shorter ones Consul does not take. */
function checkLease(fleet: Values, type: string | undefined): Finding[] {
  const written = fleet["lease"];
  const ms = typeof written === "number" ? written : parseDuration(textOf(written) ?? "");
  if (type !== "consul" || ms === undefined || ms >= CONSUL_LEAST_MS) return [];
  return [fault([...PATH, "lease"], "is shorter than what Consul takes", "write 10s or more")];
}
