import { z } from "zod";
import { duration } from "./duration.ts";
import { EndpointSchema } from "./endpoint.ts";
import { HeadersSchema } from "./header.ts";

const HealthCheckSchema = z.strictObject({
  type: z
    .enum(["otlp", "http", "grpc", "tcp"])
    .default("otlp")
    .describe("An empty OTLP export, HTTP GET, grpc.health.v1, or a TCP connect."),
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
  fall: z.int().min(1).default(3).describe("Failures in a row until the target is down."),
  rise: z.int().min(1).default(2).describe("Successes in a row until it is ready again."),
});

/** The check of a target whose config says nothing about it. */
export const DEFAULT_HEALTH_CHECK: HealthCheckDocument = HealthCheckSchema.parse({});

export type HealthCheckDocument = z.output<typeof HealthCheckSchema>;

export const OptionalHealthCheckSchema = z
  .union([HealthCheckSchema, z.literal(false, "expected a mapping, or false to switch it off")])
  .optional()
  .describe("Active health checks; default: an empty OTLP export while no calls succeed. false: none.");

export const EjectionSchema = z.strictObject({
  failures: z.int().min(1).default(5).describe("Failures in a row that eject the target."),
  success_rate: z.number().min(0).max(1).default(0.8).describe("A smaller share of successes in 10 s ejects it, too."),
  min_requests: z.int().min(1).default(20).describe("With fewer calls in 10 s the share counts for nothing."),
  rest: duration(1).prefault("30s").describe("It rests for this long, times its ejections in close succession."),
  max_rest: duration(1).prefault("5m").describe("And never longer than this."),
});
