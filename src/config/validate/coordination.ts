import { fault, type Finding, type Path } from "../finding.ts";
import { listOf, textOf, type Values, valueAt, valuesOf } from "../values.ts";

const PATH = ["node", "coordination"];
const PORTS: Readonly<Record<string, number>> = { etcd: 2_379, consul: 8_500 };
/** What only one kind of store takes. */
const OWN_KEYS: readonly (readonly [key: string, type: string])[] = [
  ["file", "embedded"],
  ["username", "etcd"],
  ["password", "etcd"],
  ["compact", "etcd"],
  ["token", "consul"],
];

/** What `node.coordination` says of a store that its type does not have, or that does not fit. */
export function checkCoordination(root: unknown): Finding[] {
  const written = valuesOf(valueAt(root, ...PATH)) ?? {};
  const type = textOf(written["type"]) ?? "embedded";
  if (type !== "embedded" && PORTS[type] === undefined) return []; // the schema tells
  return [...checkEndpoints(written, type), ...checkKeys(written, type), ...checkTls(written)];
}

function checkEndpoints({ endpoints }: Values, type: string): Finding[] {
  const port = PORTS[type];
  const isNone = endpoints === undefined || (Array.isArray(endpoints) && endpoints.length === 0);
  if (port === undefined) {
    if (isNone) return [];
    return [fault([...PATH, "endpoints"], "the embedded store has no endpoints", "say which store it is: type: etcd")];
  }
  if (isNone) return [fault(PATH, `${type} needs endpoints`, `endpoints: ["http://127.0.0.1:${port}"]`)];
  return listOf(endpoints).flatMap((endpoint, i) => {
    if (typeof endpoint !== "string" || !URL.canParse(endpoint) || new URL(endpoint).pathname === "/") return [];
    return [fault([...PATH, "endpoints", i], "must not have a path", "write scheme, host and port; see prefix")];
  });
}

function checkKeys(written: Values, type: string): Finding[] {
  const findings = OWN_KEYS.flatMap(([key, its]) => {
    if (its === type || written[key] === undefined || written[key] === false) return [];
    return [fault([...PATH, key], `is for ${its}, and this store is ${type}`, `leave it out, or say type: ${its}`)];
  });
  return type === "etcd" ? [...findings, ...checkPair(written, "username", "password", PATH)] : findings;
}

/** Two keys of which each means nothing without the other. */
export function checkPair(values: Values, one: string, other: string, path: Path): Finding[] {
  if ((values[one] === undefined) === (values[other] === undefined)) return [];
  const [there, missing] = values[one] === undefined ? [other, one] : [one, other];
  return [fault([...path, there], `needs ${missing}`, `add ${missing}, or leave ${there} out`)];
}

function checkTls({ tls: written, endpoints }: Values): Finding[] {
  const tls = valuesOf(written);
  const schemes = new Set(listOf(endpoints).map((one) => /^https?:/iu.exec(String(one))?.[0].toLowerCase()));
  const findings: Finding[] = [];
  if (schemes.has("http:") && schemes.has("https:")) {
    findings.push(fault([...PATH, "endpoints"], "some are http:// and some https://", "write all the same way"));
  }
  if (tls === undefined) return findings;
  const path = [...PATH, "tls"];
  if (!schemes.has("https:")) {
    findings.push(fault(path, "no endpoint is https://", "write endpoints with https://, or leave tls out"));
  }
  return [...findings, ...checkPair(tls, "cert", "key", path)];
}
