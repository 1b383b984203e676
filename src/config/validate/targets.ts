import { HEADER_VALUE, HEADER_VALUE_FAULT, isCredential, neverForwarded } from "../../core/header-name.ts";
import type { Condition } from "../condition-type.ts";
import { atKey, caution, fault, type Finding, type Path } from "../finding.ts";
import { chainOf, type Outline, type OutlinePool, type OutlineTarget } from "../outline.ts";
import { listOf, textOf, valuesOf } from "../values.ts";
import { endpointFault, isLoopbackHost } from "../schema/address.ts";
import type { WrittenCondition } from "./asked-rules.ts";
import { membersOf } from "./references.ts";

/** What of a target fits together: endpoint and protocol, headers, TLS. */
export function checkTargetOptions({ targets, discovered }: Outline): Finding[] {
  return [...targets, ...discovered].flatMap((target) => [
    ...checkEndpoint(target),
    ...checkCompression(target),
    ...checkHeaders(target.values["headers"], [...target.path, "headers"]),
    ...checkHeaders(valuesOf(target.values["health_check"])?.["headers"], [...target.path, "health_check", "headers"]),
    ...checkTls(target),
    ...checkProxy(target),
    ...checkHealthCheck(target),
    ...checkStatuses(target),
  ]);
}

/** Which types of check read what. */
const CHECK_OPTIONS: readonly { readonly key: string; readonly types: readonly string[] }[] = [
  { key: "endpoint", types: ["http", "grpc", "tcp"] },
  { key: "path", types: ["http"] },
  { key: "service", types: ["grpc"] },
  { key: "headers", types: ["otlp", "http", "grpc"] },
];

/** As gRPC names them (grpc/doc/statuscodes.md), but for OK. */
export const GRPC_CODES: ReadonlySet<string> = new Set([
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
]);

/** Headers that the protocols set themselves (RFC 9113, gRPC over HTTP/2, OTLP). */
const RESERVED = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function readUrl({ values }: OutlineTarget): URL | undefined {
  const endpoint = textOf(values["endpoint"]);
  return endpoint === undefined || endpointFault(endpoint) !== undefined ? undefined : new URL(endpoint);
}

function checkEndpoint(target: OutlineTarget): Finding[] {
  const url = readUrl(target);
  const protocol = target.values["protocol"] ?? "grpc";
  const path = [...target.path, "endpoint"];
  if (url === undefined || url.pathname === "/") return [];
  if (protocol === "grpc") {
    const hint = `write "${url.origin}", or protocol: http/protobuf`;
    return [fault(path, "a gRPC endpoint has no path", hint)];
  }
  const signal = /\/v1\/(?:traces|metrics|logs)\/*$/u.exec(url.pathname)?.[0];
  if (signal === undefined) return [];
  const message = `the path of the signal is added to it: ${signal}/v1/traces`;
  return [caution(path, message, `leave out ${signal}`)];
}

function checkCompression({ values, path }: OutlineTarget): Finding[] {
  const { compression = "none", compression_level: level } = values;
  if (typeof level !== "number") return [];
  const at = [...path, "compression_level"];
  if (compression === "none")
    return [atKey(caution(at, "has no effect without compression", "write compression: zstd"))];
  if (compression !== "gzip" || level <= MOST_GZIP) return [];
  return [fault(at, `gzip has levels from 1 to ${MOST_GZIP}`, "levels of zstd go up to 11")];
}

const MOST_GZIP = 9;

function checkHeaders(headers: unknown, path: Path): Finding[] {
  const seen = new Map<string, string>();
  return Object.entries(valuesOf(headers) ?? {}).flatMap(([name, value]) => {
    const at = [...path, name];
    const lower = name.toLowerCase();
    const before = seen.get(lower);
    seen.set(lower, name);
    if (before !== undefined) return [atKey(fault(at, `the header "${name}" is given twice`, `see "${before}"`))];
    if (RESERVED.has(lower) || lower.startsWith("grpc-")) {
      return [atKey(fault(at, `the header "${name}" is set by the protocol`, "leave it out"))];
    }
    return typeof value === "string" && !HEADER_VALUE.test(value) ? [fault(at, ...HEADER_VALUE_FAULT)] : [];
  });
}

function checkHealthCheck(target: OutlineTarget): Finding[] {
  const check = valuesOf(target.values["health_check"]);
  if (check === undefined) return [];
  const type = textOf(check["type"]) ?? "otlp";
  return CHECK_OPTIONS.filter(({ key, types }) => check[key] !== undefined && !types.includes(type)).map(
    ({ key, types }) =>
      atKey(
        caution(
          [...target.path, "health_check", key],
          `has no effect on a check of type ${type}`,
          `for type ${types.join(", ")}`,
        ),
      ),
  );
}

/** Statuses that mean one thing only, whoever says them. */
const FIXED: readonly { readonly is: (text: string) => boolean; readonly why: string }[] = [
  { is: (text) => text === "OK" || /^2\d\d$/u.test(text), why: "is a success" },
  { is: (text) => text === "413", why: "is about the size of a batch, which is sent in halves" },
  { is: (text) => text === "429", why: "asks for a pause, which is kept" },
  { is: (text) => text === "RESOURCE_EXHAUSTED", why: "is about size, or asks for a pause" },
];

function checkStatuses({ values, path }: OutlineTarget): Finding[] {
  const { protocol = "grpc" } = values;
  const isHttp = protocol === "http/protobuf" || protocol === "http/json";
  return Object.keys(valuesOf(values["statuses"]) ?? {}).flatMap((text) => {
    const at = [...path, "statuses", text];
    const fixed = FIXED.find(({ is }) => is(text));
    if (fixed !== undefined) {
      return [atKey(fault(at, `${text} ${fixed.why}: that cannot be set`, "leave it out"))];
    }
    const code = GRPC_CODES.has(text);
    if (code && isHttp) {
      const hint = "write HTTP statuses";
      return [atKey(caution(at, `no target that speaks ${protocol} answers with a gRPC code`, hint))];
    }
    if (code || /^[345]\d\d$/u.test(text)) return [];
    const hint = 'for example "403", "404" or UNIMPLEMENTED';
    return [atKey(fault(at, "is neither an HTTP status from 300 to 599 nor a gRPC code", hint))];
  });
}

/** What is on this machine is reached without one; through one, names are looked up there. */
function checkProxy(target: OutlineTarget): Finding[] {
  const { path, values } = target;
  const proxy = textOf(values["proxy"]);
  const host = readUrl(target)?.hostname.replace(/^\[(.*)\]$/u, "$1");
  if (proxy === undefined || proxy === "none" || host === undefined) return [];
  if (isLoopbackHost(host)) {
    const message = "has no effect: the endpoint is on this machine, where no proxy is on the way";
    return [atKey(caution([...path, "proxy"], message, "leave it out"))];
  }
  if (values["resolve"] !== "all") return [];
  const message = "has no effect through a proxy, which looks names up itself";
  return [caution([...path, "resolve"], message, "leave it out, or write proxy: none")];
}

function checkTls(target: OutlineTarget): Finding[] {
  const tls = valuesOf(target.values["tls"]);
  if (tls === undefined) return [];
  const path = [...target.path, "tls"];
  if (readUrl(target)?.protocol === "http:") {
    return [atKey(fault(path, "the endpoint is http://, without TLS", "write https://, or leave tls out"))];
  }
  if ((tls["cert"] === undefined) === (tls["key"] === undefined)) return [];
  const [there, missing] = tls["cert"] === undefined ? ["key", "cert"] : ["cert", "key"];
  return [fault(path, `has ${there} without ${missing}`, "a client certificate needs both")];
}

/** What may be passed on of senders' headers, and which pools credentials go through. */
export function checkForwardHeaders(outline: Outline): Finding[] {
  return [...[...outline.targets, ...outline.discovered].flatMap(checkNames), ...checkCredentials(outline)];
}

function checkNames({ path, values }: OutlineTarget): Finding[] {
  const own = new Set(Object.keys(valuesOf(values["headers"]) ?? {}).map((name) => name.toLowerCase()));
  const seen = new Set<string>();
  return listOf(values["forward_headers"]).flatMap((written, i) => {
    const at = [...path, "forward_headers", i];
    const name = textOf(written)?.toLowerCase();
    if (name === undefined) return [];
    const why = neverForwarded(name);
    if (why !== undefined) return [fault(at, `the header ${name} is never passed on: ${why}`, "leave it out")];
    if (seen.has(name)) return [caution(at, "is there already", "names have no case")];
    seen.add(name);
    if (!own.has(name)) return [];
    return [caution(at, `has no effect: the target has a header ${name} of its own`, "take out one of them")];
  });
}

/**
 * Nothing may keep credentials longer than their sender waits: neither in the pools whose targets
 * are passed them, nor in those that fail over to them, or take over from them.
 */
function checkCredentials(outline: Outline): Finding[] {
  const findings = new Map<OutlinePool, Finding>();
  for (const pool of outline.pools) {
    const chain = chainOf(pool, outline);
    const credential = chain.flatMap((one) => credentialsOf(one, outline))[0];
    if (credential === undefined) continue;
    for (const one of chain) {
      const ack = one.values["ack"] ?? "delivered";
      if (ack === "delivered") continue;
      const message = `${credential} may wait here, and a credential is kept no longer than its sender waits`;
      findings.set(one, fault([...one.path, "ack"], message, "write ack: delivered, also in fallbacks"));
    }
  }
  return [...findings.values()];
}

/** Credentials that go along into this pool: for its targets, or for the cases of its strategy. */
function credentialsOf({ values }: OutlinePool, outline: Outline): string[] {
  const members = membersOf(outline, values["targets"]);
  const forwarded = members.flatMap((target) => listOf(target.values["forward_headers"]));
  const cases = listOf(valuesOf(values["strategy"])?.["cases"]).flatMap((one) => valuesOf(one)?.["conditions"]);
  return [...forwarded, ...headerKeys(cases)].flatMap((name) => {
    const lower = textOf(name)?.toLowerCase();
    return lower !== undefined && isCredential(lower) ? [lower] : [];
  });
}

/** The keys of header conditions anywhere in what is written. */
function headerKeys(written: unknown): unknown[] {
  if (Array.isArray(written)) return written.flatMap(headerKeys);
  const { header, any, not } = valuesOf(written) ?? {};
  const own = valuesOf(header)?.["key"];
  return [own, ...[any, not].filter((one) => one !== undefined).flatMap(headerKeys)];
}

/**
 * Conditions on headers that are credentials: a value in a rule would be a secret that everybody
 * reads who may read rules, and explanations would tell which values fit.
 */
export function checkHeaderConditions(written: readonly WrittenCondition[]): Finding[] {
  return written.flatMap(({ condition, path }) => {
    if (condition.kind !== "header" || !isCredential(condition.key) || asksOnlyPresence(condition)) return [];
    const message = `${condition.key} is a credential: rules may only ask whether it is there`;
    return [
      fault(path, message, "write exists: true or exists: false, or let senders say who they are in another header"),
    ];
  });
}

function asksOnlyPresence({ match }: Extract<Condition, { kind: "header" }>): boolean {
  return match.tests.every(({ op }) => op === "exists");
}
