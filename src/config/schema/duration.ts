import { z } from "zod";
import { DURATION_PATTERN, formatDuration, parseDuration } from "../../core/units.ts";

/** Timers of Node.js wrap around above this: 24.8 days. */
const LONGEST_MS = 2_147_483_647;

/** A text (`100ms`, `10s`, `1m30s`) or milliseconds; gives milliseconds. */
export function duration(shortestMs: number): DurationSchema {
  return z
    .union([z.string().regex(DURATION_PATTERN, NOT_A_DURATION), z.number().min(0)])
    .transform((written, context) => {
      const ms = typeof written === "number" ? written : parseDuration(written);
      if (ms !== undefined && ms >= shortestMs && ms <= LONGEST_MS) return ms;
      context.issues.push({ code: "custom", input: written, message: outOfRange(shortestMs) });
      return z.NEVER;
    });
}

type DurationSchema = z.ZodPipe<
  z.ZodUnion<readonly [z.ZodString, z.ZodNumber]>,
  z.ZodTransform<number, string | number>
>;

const NOT_A_DURATION = "is not a duration\nwrite a number with a unit: 100ms, 10s, 1m30s, 24h, 7d";

function outOfRange(shortestMs: number): string {
  return `must be from ${formatDuration(shortestMs)} to 24d`;
}
