import { z } from "zod";
import { SEVERITY_NAMES, SPAN_KINDS, SPAN_STATUSES } from "../config/schema/condition.ts";
import { HEADER_NAME } from "../core/header-name.ts";
import { SIGNALS } from "../otlp/signal.ts";

const PlainValueSchema = z.union([z.string(), z.number(), z.boolean()]);
const ValueSchema = z.union([PlainValueSchema, z.array(PlainValueSchema)]);
const ValuesSchema = z.record(z.string().min(1), ValueSchema);

/**
 * One item in a few words, as people write it in tests and to the admin API: what rules ask, and
 * nothing else.
 */
export const SIMPLE_ITEM_SHAPE = {
  signal: z.enum(SIGNALS).optional().describe("Else told by what is given; traces when nothing tells."),
  service: z.string().optional().describe("The resource's attribute service.name."),
  span_name: z.string().optional().describe("The span's name."),
  span_kind: z.enum(SPAN_KINDS).optional().describe("The span's kind."),
  span_status: z.enum(SPAN_STATUSES).optional().describe("The span's status."),
  severity: z
    .union([z.enum(SEVERITY_NAMES), z.int().min(1).max(24)])
    .optional()
    .describe("The log record's severity: TRACE to FATAL4, or 1 to 24."),
  metric_name: z.string().optional().describe("The metric's name."),
  scope_name: z.string().optional().describe("The name of the instrumentation scope."),
  attributes: ValuesSchema.optional().describe("Attributes of the item; of a metric, of its data point."),
  resource: ValuesSchema.optional().describe("Attributes of the resource."),
  trace_id: z
    .string()
    .regex(/^[0-9a-fA-F]{32}$/u, "must be 32 hex digits")
    .optional()
    .describe("Of the span or log record, in hex."),
  headers: z
    .record(z.string().regex(HEADER_NAME, "is not a valid header name"), z.string())
    .optional()
    .describe("Of the request that it comes in; names in any case."),
  region: z.string().min(1).optional().describe("Of the listener that it comes in by; else that of the node."),
};

export const SimpleItemSchema = z.strictObject(SIMPLE_ITEM_SHAPE);
export type SimpleItem = z.output<typeof SimpleItemSchema>;
export type SimpleValue = z.output<typeof ValueSchema>;
