import { z } from "zod";
import { DEFAULT_GRPC_TRANSPORT, GRPC_TRANSPORTS } from "../../core/grpc-transport.ts";
import { DEFAULT_HTTP_TRANSPORT, HTTP_TRANSPORTS } from "../../core/http-transport.ts";
import { AddressSchema } from "./address.ts";
import { CoordinationSchema } from "./coordination.ts";
import { tagsOf } from "./discovery.ts";
import { ListenerTlsSchema, OFF } from "./listener.ts";
import { NodeFleetSchema } from "./node-fleet.ts";
import { AmountSchema, CountSchema, duration, length, NameSchema, SecretSchema, size, TextSchema } from "./values.ts";

/**
 * Scheme, host and port as browsers send them in `Origin`; `*` stands for a part of one label of
 * the host.
 */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9*_-]+(?:\.[a-z0-9*_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/iu;

const NOT_AN_ORIGIN =
  "is not an origin\nwrite scheme, host and port as browsers do, without a path: https://shop.example.com; " +
  "* is any text within one label of the host: https://*.dev.example.com";

const HEADER = /^(?:\*|[!#$%&'+.^_`|~0-9A-Za-z-]+)$/u;

/** Web pages of other origins that may send: the Fetch standard, "CORS protocol". */
const CorsSchema = z.strictObject({
  allowed_origins: z
    .array(z.string().regex(ORIGIN, NOT_AN_ORIGIN))
    .min(1)
    .max(1_000)
    .describe("Origins whose pages may send, with credentials. * is any text within one label of the host."),
  allowed_headers: z
    .array(z.string().regex(HEADER, "is not a header name"))
    .max(100)
    .default([])
    .describe("Headers that pages may send besides those of OTLP and X-Requested-With; *: all that they ask for."),
  max_age: duration(0).prefault("2h").describe("How long browsers may remember what is allowed."),
});

/** Where listeners bind when nothing is said: only on this machine. */
export const DEFAULT_ADDRESSES = {
  otlp_grpc: "127.0.0.1:4317",
  otlp_http: "127.0.0.1:4318",
  admin: "127.0.0.1:4320",
} as const;

/** And those that are there only where they are asked for. */
export const SAMPLING_ADDRESSES = {
  sampling_http: "127.0.0.1:5778",
  sampling_grpc: "127.0.0.1:5779",
} as const;

const LISTENER_SHAPE = {
  tls: ListenerTlsSchema.optional().describe("Without it, plain text."),
  region: NameSchema.optional().describe("Region of senders that state none; default: node.region."),
};

function address(which: keyof typeof DEFAULT_ADDRESSES | keyof typeof SAMPLING_ADDRESSES) {
  const usual = { ...DEFAULT_ADDRESSES, ...SAMPLING_ADDRESSES }[which];
  return AddressSchema.prefault(usual).describe("host:port, IPv6 in brackets; port 0 is any free one.");
}

const GrpcListenerSchema = z.strictObject({
  address: address("otlp_grpc"),
  ...LISTENER_SHAPE,
  max_connection_age: duration(1_000)
    .prefault("10m")
    .describe("Connections are asked to close after this, so that load spreads."),
  max_connection_age_grace: duration(0).prefault("1m").describe("And closed after this, whatever is still under way."),
  max_connection_idle: duration(0)
    .prefault("5m")
    .describe("The same for connections without a call for this long; 0: never. With transport own."),
  keepalive_time: duration(1_000).prefault("2m").describe("A quiet connection is pinged after this."),
  keepalive_timeout: duration(1).prefault("20s").describe("And closed when no answer comes within this."),
  transport: z.enum(GRPC_TRANSPORTS).default(DEFAULT_GRPC_TRANSPORT).describe("Whose HTTP/2: our own, or Node's."),
  max_concurrent_streams: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(256)
    .describe(
      "Calls under way on one connection; senders hold back what is beyond, which costs less than refusing it.",
    ),
});

const HttpListenerSchema = z.strictObject({
  address: address("otlp_http"),
  ...LISTENER_SHAPE,
  max_connection_age: duration(1_000)
    .prefault("10m")
    .describe("Connections are closed with the first reply after this, +-10 %, so that load spreads."),
  transport: z.enum(HTTP_TRANSPORTS).default(DEFAULT_HTTP_TRANSPORT).describe("Whose HTTP/1.1: our own, or Node's."),
  cors: CorsSchema.optional().describe("Which web pages may send; without it none of another origin."),
});
const AdminListenerSchema = z.strictObject({ address: address("admin"), ...LISTENER_SHAPE });

/** Senders of spans ask here what to send, so that they have no region. */
function samplingListener(which: keyof typeof SAMPLING_ADDRESSES) {
  return z.strictObject({ address: address(which), tls: LISTENER_SHAPE.tls });
}

const ListenSchema = z.strictObject({
  otlp_grpc: z.union([GrpcListenerSchema, OFF]).prefault({}).describe("OTLP/gRPC; false: off."),
  otlp_http: z.union([HttpListenerSchema, OFF]).prefault({}).describe("OTLP/HTTP, protobuf and JSON; false: off."),
  admin: z.union([AdminListenerSchema, OFF]).prefault({}).describe("Admin API, metrics and health; false: off."),
  sampling_http: z
    .union([samplingListener("sampling_http"), OFF])
    .default(false)
    .describe("Jaeger remote sampling over HTTP; off unless it is written, as {} with its defaults."),
  sampling_grpc: z
    .union([samplingListener("sampling_grpc"), OFF])
    .default(false)
    .describe("Jaeger remote sampling over gRPC, on a port of its own; off unless it is written."),
});

/** A circle costs as much for each request, or more where rules copy. */
const MAX_HOPS = 16;

/** Counts of places in a request, which is never longer than 1 GiB. */
function count(usual: number): z.ZodDefault<z.ZodInt> {
  return z.int().min(1).max(536_870_912).default(usual);
}

const NodeLimitsSchema = z.strictObject({
  max_request_bytes: length(1_024).prefault("64MiB").describe("Largest request accepted, after decompression."),
  max_in_flight_bytes: size(1_024).prefault("64MiB").describe("Bytes of all requests being worked on, at most."),
  max_resources: count(65_536).describe("Resources in one request, at most, whatever its bytes."),
  max_scopes: count(65_536).describe("Scopes in one request, at most, those of all its resources together."),
  max_items: count(1_000_000).describe("Spans, metrics or log records in one request, at most."),
  max_points: count(1_000_000).describe("Data points in one request of metrics, at most."),
  max_attributes: count(4_000_000).describe(
    "Attributes in one request, at most; events, links, exemplars and elements of values count too.",
  ),
  max_hops: z
    .int()
    .min(1)
    .max(MAX_HOPS)
    .default(4)
    .describe(
      "Links from one node of the fleet to another, by targets by collectors, that a request may have come over: beyond it goes in a circle, and is refused.",
    ),
  max_concurrent_requests: CountSchema.default(4_096).describe("Requests being worked on, at most."),
  max_connections: CountSchema.default(10_000).describe("Open connections, at most."),
  request_timeout: duration(1)
    .prefault("9s")
    .describe(
      "Deadline of requests that state none: less than the 10 s of OpenTelemetry's SDKs, so that they hear the answer.",
    ),
  max_timeout: duration(1).prefault("60s").describe("Longest deadline that a sender may ask for."),
});

const AdminTokenSchema = z.strictObject({
  role: z
    .enum(["viewer", "operator", "admin"])
    .describe("May read; may also drain targets and the like; may do everything."),
  value: SecretSchema.describe("The bearer token."),
});

const AdminSchema = z.strictObject({
  tokens: z
    .array(AdminTokenSchema)
    .default([])
    .describe("Bearer tokens; none: everyone on this machine is admin, and nobody else gets in."),
});

const SecretsSchema = z.strictObject({
  files: z
    .array(TextSchema)
    .default([])
    .describe("Files, as globs over whole paths, that `${file:}` and TLS options may name."),
  env: z.array(TextSchema).default([]).describe("Environment variables, as globs, that `${env:}` may name."),
});

const LoadSchema = z.strictObject({
  interval: duration(100).prefault("1s").describe("Between two samples of the node's load."),
  history_size: z.int().min(1).max(86_400).default(600).describe("Samples that are kept."),
  capacity: AmountSchema.optional().describe(
    "Items a second that the node is known to carry; default: learned from what it carries.",
  ),
});

const LogSchema = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("Least important events that are logged."),
  format: z.enum(["text", "json"]).default("json").describe("For people, or for machines."),
});

const NOT_WORKERS = "expected auto or a whole number";

export const NodeSchema = z.strictObject({
  id: NameSchema.optional().describe("Name of this node; default: the machine's host name."),
  region: NameSchema.default("default").describe("Where this node is."),
  tags: tagsOf("tags")
    .default({})
    .describe("Free labels of this node, by which `targets: { collectors: { tags } }` of others selects it."),
  roles: z
    .array(z.enum(["collector", "controller"]))
    .min(1)
    .default(["collector", "controller"])
    .describe(
      "Data plane, control plane, or both: without controller it leads nothing, and follows others. Each takes data.",
    ),
  workers: z
    .union([z.literal("auto", NOT_WORKERS), z.int().min(0).max(1_024)])
    .optional()
    .describe(
      "Processes that do the data plane's work; auto: one for each core that the node may use; 0: none, " +
        "the node does it itself. Default: 1; in a program that starts a node by itself: 0.",
    ),
  plugins: z
    .array(TextSchema)
    .default([])
    .describe(
      "JavaScript modules that bring strategies along; paths start at the folder of this file. Not by the API.",
    ),
  secrets: SecretsSchema.prefault({}).describe(
    "What a config that comes by the API may refer to, besides what the file already does. Not by the API.",
  ),
  data_dir: TextSchema.default("signalbox-data").describe("Where this node keeps what must survive a restart."),
  listen: ListenSchema.prefault({}).describe("Where this node listens."),
  limits: NodeLimitsSchema.prefault({}).describe("What this node takes on at the same time."),
  shutdown_grace: duration(0).prefault("30s").describe("How long queues may drain when the node stops."),
  coordination: CoordinationSchema.prefault({}).describe("The store that nodes share."),
  load: LoadSchema.prefault({}).describe("How the node measures its own load."),
  fleet: NodeFleetSchema.prefault({}).describe("How this node is part of its fleet."),
  admin: AdminSchema.prefault({}).describe("Who may use the admin API."),
  log: LogSchema.prefault({}).describe("The node's own log, on stderr."),
});

export type NodeDocument = z.output<typeof NodeSchema>;
