import { caution, type Finding, fault, type Path } from "../finding.ts";
import { type Outline, type OutlineTarget, textOf, valuesOf } from "../outline.ts";
import { endpointFault, isLoopbackHost } from "../schema/address.ts";

/** What of a target fits together: endpoint and protocol, headers, TLS. */
export function checkTargetOptions({ targets }: Outline): Finding[] {
  return targets.flatMap((target) => [
    ...checkEndpoint(target),
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
  if (protocol !== "http/protobuf" || signal === undefined) return [];
  const message = `the path of the signal is added to it: ${signal}/v1/traces`;
  return [caution(path, message, `leave out ${signal}`)];
}

function checkHeaders(headers: unknown, path: Path): Finding[] {
  const seen = new Map<string, string>();
  return Object.entries(valuesOf(headers) ?? {}).flatMap(([name, value]) => {
    const at = [...path, name];
    const lower = name.toLowerCase();
    const before = seen.get(lower);
    seen.set(lower, name);
    if (before !== undefined)
      return [{ ...fault(at, `the header "${name}" is given twice`, `see "${before}"`), at: "key" as const }];
    if (RESERVED.has(lower) || lower.startsWith("grpc-")) {
      return [{ ...fault(at, `the header "${name}" is set by the protocol`, "leave it out"), at: "key" as const }];
    }
    if (typeof value === "string" && !/^[\t\x20-\x7e]*$/u.test(value)) {
      return [fault(at, "a header value is one line of printable ASCII", "encode other characters")];
    }
    return [];
  });
}

function checkHealthCheck(target: OutlineTarget): Finding[] {
  const check = valuesOf(target.values["health_check"]);
  if (check === undefined) return [];
  const type = textOf(check["type"]) ?? "otlp";
  return CHECK_OPTIONS.filter(({ key, types }) => check[key] !== undefined && !types.includes(type)).map(
    ({ key, types }) => ({
      ...caution(
        [...target.path, "health_check", key],
        `has no effect on a check of type ${type}`,
        `for type ${types.join(", ")}`,
      ),
      at: "key" as const,
    }),
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
  const isHttp = (values["protocol"] ?? "grpc") === "http/protobuf";
  return Object.keys(valuesOf(values["statuses"]) ?? {}).flatMap((text) => {
    const at = [...path, "statuses", text];
    const fixed = FIXED.find(({ is }) => is(text));
    if (fixed !== undefined) {
      return [{ ...fault(at, `${text} ${fixed.why}: that cannot be set`, "leave it out"), at: "key" as const }];
    }
    const code = GRPC_CODES.has(text);
    if (code && isHttp) {
      const hint = "write HTTP statuses";
      return [
        { ...caution(at, "no target that speaks http/protobuf answers with a gRPC code", hint), at: "key" as const },
      ];
    }
    if (code || /^[345]\d\d$/u.test(text)) return [];
    const hint = 'for example "403", "404" or UNIMPLEMENTED';
    return [{ ...fault(at, "is neither an HTTP status from 300 to 599 nor a gRPC code", hint), at: "key" as const }];
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
    return [{ ...caution([...path, "proxy"], message, "leave it out"), at: "key" }];
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
    return [{ ...fault(path, "the endpoint is http://, without TLS", "write https://, or leave tls out"), at: "key" }];
  }
  if ((tls["cert"] === undefined) === (tls["key"] === undefined)) return [];
  const [there, missing] = tls["cert"] === undefined ? ["key", "cert"] : ["cert", "key"];
  return [fault(path, `has ${there} without ${missing}`, "a client certificate needs both")];
}
