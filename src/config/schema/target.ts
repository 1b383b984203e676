import { z } from "zod";
import { DEFAULT_GRPC_TRANSPORT, GRPC_TRANSPORTS } from "../../core/grpc-transport.ts";
import { EndpointSchema, ProxySchema } from "./address.ts";
import {
  choice,
  CountSchema,
  duration,
  HeaderNameSchema,
  HeadersSchema,
  length,
  NameSchema,
  SecretSchema,
  TextSchema,
} from "./values.ts";

const HealthCheckSchema = z.strictObject({
  type: choice(["otlp", "http", "grpc", "tcp"]).describe(
    "An empty OTLP export, HTTP GET, grpc.health.v1, or a TCP connect.",
  ),
  endpoint: EndpointSchema.optional().describe(
    "For http, grpc and tcp: where to ask, http:// or https://, host and port; default: the target's own.",
  ),
  interval: duration(1).prefault("10s").describe("Time between checks."),
  timeout: duration(1).prefault("5s").describe("A check that takes longer has failed."),
  path: z.string().startsWith("/", "must begin with /").default("/health").describe("For type http."),
  service: z.string().default("").describe("For type grpc."),
  headers: HeadersSchema.default({}).describe(
    "For otlp, http and grpc: sent besides the target's own headers, which win. Values are secrets.",
  ),
  fall: CountSchema.default(3).describe("Failures in a row until the target is down."),
  rise: CountSchema.default(2).describe("Successes in a row until it is ready again."),
});

/** The check of a target whose config says nothing about it. */
export const DEFAULT_HEALTH_CHECK: HealthCheckDocument = HealthCheckSchema.parse({});

type HealthCheckDocument = z.output<typeof HealthCheckSchema>;

const OptionalHealthCheckSchema = z
  .union([HealthCheckSchema, z.literal(false, "expected a mapping, or false to switch it off")])
  .optional()
  .describe("Active health checks; default: an empty OTLP export while no calls succeed. false: none.");

const EjectionSchema = z.strictObject({
  failures: CountSchema.default(5).describe("Failures in a row that eject the target."),
  success_rate: z.number().min(0).max(1).default(0.8).describe("A smaller share of successes in 10 s ejects it, too."),
  min_requests: CountSchema.default(20).describe("With fewer calls in 10 s the share counts for nothing."),
  rest: duration(1).prefault("30s").describe("It rests for this long, times its ejections in close succession."),
  max_rest: duration(1).prefault("5m").describe("And never longer than this."),
});

const TargetTlsSchema = z.strictObject({
  ca: TextSchema.optional().describe("Certificates to trust instead of the system's: a file, or PEM."),
  cert: TextSchema.optional().describe("Client certificate: a file, or PEM."),
  key: SecretSchema.optional().describe("Key of the client certificate: a file, or PEM."),
  server_name: TextSchema.optional().describe(
    "Name to expect in the target's certificate; default: the endpoint's host.",
  ),
  insecure_skip_verify: z.boolean().default(false).describe("Accept any certificate. For experiments only."),
});

const TargetLimitsSchema = z.strictObject({
  max_in_flight: z.int().min(1).max(10_000).default(16).describe("Calls under way at the same time, at most."),
  max_request_bytes: length(1)
    .prefault("64MiB")
    .describe(
      "No call is larger than this, before compression, and for http/json as JSON; a single item that is larger is refused.",
    ),
});

export const TargetSchema = z.strictObject({
  id: NameSchema.describe("Unique among the targets."),
  endpoint: EndpointSchema.describe(
    "http:// or https://, host and port; for http/protobuf and http/json also a path, to which /v1/traces etc. is added.",
  ),
  protocol: choice(["grpc", "http/protobuf", "http/json"]).describe(
    "OTLP/gRPC, over HTTP/2; or OTLP/HTTP with protobuf or JSON, over HTTP/1.1, also with https.",
  ),
  resolve: z
    .enum(["one", "all", "auto"])
    .default("auto")
    .describe(
      "Which of several addresses behind the endpoint's name are used: one, looked up at each connect; all; or auto: all where all are private, else one.",
    ),
  transport: z
    .enum(GRPC_TRANSPORTS)
    .default(DEFAULT_GRPC_TRANSPORT)
    .describe("For grpc: whose HTTP/2, our own or Node's."),
  proxy: ProxySchema.optional().describe(
    "On the way to the target and its checks, by CONNECT: http:// or https://, host and port, with user and password where it asks for them; none: never. Default: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the node's environment at its start. Never used for loopback. A secret.",
  ),
  weight: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1)
    .describe("Share of the load relative to the other targets; 0: none, a standby."),
  region: NameSchema.default("default").describe("Where the target is."),
  tags: z.record(TextSchema, z.string()).default({}).describe("Free labels, for selectors."),
  compression: choice(["none", "gzip", "zstd"]).describe("How requests are compressed; not every target takes zstd."),
  compression_level: z
    .int()
    .min(1)
    .max(11)
    .optional()
    .describe(
      "From 1, the fastest and the default, to 9 for gzip and 11 for zstd. gzip: 6 saves 15 % of the bytes for 2 to 3 times the CPU.",
    ),
  headers: HeadersSchema.default({}).describe("Sent with every request. Values are secrets."),
  forward_headers: z
    .array(HeaderNameSchema)
    .default([])
    .describe("Headers of the sender that are passed on; names in any case. The target's own headers win."),
  tls: TargetTlsSchema.optional().describe("For https endpoints."),
  timeout: duration(1).prefault("5s").describe("One attempt may take this long."),
  keepalive_time: duration(0)
    .prefault("5m")
    .refine((ms) => ms === 0 || ms >= 1_000, "must be 0 or at least 1s")
    .describe(
      "gRPC: while calls wait and nothing comes, a PING after this; 0: never. Many servers end connections that ask more often than every 5m.",
    ),
  limits: TargetLimitsSchema.prefault({}).describe("What one target may be asked to carry."),
  health_check: OptionalHealthCheckSchema,
  ejection: EjectionSchema.prefault({}).describe("When failing calls take the target out, and for how long."),
  statuses: z
    .record(TextSchema, z.enum(["final", "retry", "elsewhere"]))
    .default({})
    .describe(
      "What an HTTP status or gRPC code of this target means. Default: OTLP's retryable list is retry; 404, 405, redirects and UNIMPLEMENTED are elsewhere; the rest is final.",
    ),
  slow_start: duration(0)
    .prefault("30s")
    .describe("A target that comes back gets its weight gradually within this, from 10 %; 0: at once."),
});
