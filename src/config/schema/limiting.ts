import { z } from "zod";
import { AmountSchema, choice, HeaderNameSchema, TextSchema } from "./values.ts";

const LimitKeySchema = z.union([
  z.literal("service"),
  z.strictObject({ header: HeaderNameSchema.describe("A header of the sender's request, in any case.") }),
  z.strictObject({ resource: TextSchema.describe("An attribute of the resource.") }),
]);

/** So many items a second: spans, data points and log records. */
export const RateLimitingSchema = z.strictObject({
  max_qps: AmountSchema.describe("Items a second that are let in, of everything together."),
  burst_size: z
    .int()
    .gt(0)
    .optional()
    .describe("Items that may come at once after a pause; default: those of a second."),
  per_service_limit: AmountSchema.optional().describe(
    "Items a second of one key, which is a service unless `key` says otherwise.",
  ),
  key: LimitKeySchema.default("service").describe("What per_service_limit and keys tell apart."),
  keys: z
    .record(z.string().min(1).max(256), AmountSchema)
    .default({})
    .describe(
      "Keys with a limit other than per_service_limit, by name or glob: a name goes before globs, the first of which decides.",
    ),
  mixed: choice(["refuse", "shed"]).describe(
    "A request of several keys, some over their limit: refuse all of it, to be sent again; or shed what is over, told as final loss.",
  ),
});

export type RateLimitingDocument = z.output<typeof RateLimitingSchema>;
