import { RE2JS, RE2JSException, RE2JSSyntaxException } from "re2js";
import { z } from "zod";
import { LONGEST_TIMER_MS } from "../../core/clock.ts";
import { HEADER_NAME } from "../../core/header-name.ts";
import { Secret } from "../../core/secret.ts";
import {
  DURATION_PATTERN,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
} from "../../core/units.ts";

/** Ids of targets and rules, names of pools and regions. */
export const NAME_PATTERN = /^[A-Za-z0-9._-]{1,63}$/u;

export const NameSchema = z
  .string()
  .regex(NAME_PATTERN, "is not a valid name\n1 to 63 letters, digits, dots, underscores and hyphens");

/** A text that is not empty. */
export const TextSchema = z.string().min(1);
/** How many, at least one. */
export const CountSchema = z.int().min(1);
/** How much, above 0. */
export const AmountSchema = z.number().gt(0);

/** One of these words; the first holds where nothing is written. */
export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodDefault<z.ZodEnum<{ [Word in Words[number]]: Word }>> {
  return z.enum(words).default(words[0]);
}

export const ALL_SIGNALS = ["traces", "metrics", "logs"] as const;

export const SignalsSchema = z.array(z.enum(ALL_SIGNALS)).min(1);

export const PRIORITY_NAMES = ["high", "normal", "low"] as const;

/** The numbers that the names stand for. */
export const PRIORITIES: Readonly<Record<(typeof PRIORITY_NAMES)[number], number>> = {
  high: 1_000,
  normal: 500,
  low: 100,
};

/** A number, or `high` (1000), `normal` (500), `low` (100); gives the number. */
export const PrioritySchema = z
  .union([z.number(), z.enum(PRIORITY_NAMES)])
  .transform((written) => (typeof written === "number" ? written : PRIORITIES[written]));

const OUTSIDE = "must be within 0 and 1";

/** A share: 0 is nothing, 1 is everything. */
export const RateSchema = z.number().min(0, OUTSIDE).max(1, OUTSIDE);

/** A text that must not be shown; usually written as `${env:NAME}` or `${file:path}`. */
export const SecretSchema = z
  .string()
  .min(1)
  .transform((text) => new Secret(text));

export const HeaderNameSchema = z.string().regex(HEADER_NAME, "is not a valid header name");

/** Headers with their values, which are secrets. */
export const HeadersSchema = z.record(HeaderNameSchema, SecretSchema);

/** A text (`100ms`, `10s`, `1m30s`) or milliseconds; gives milliseconds. */
export function duration(shortestMs: number): DurationSchema {
  return z
    .union([z.string().regex(DURATION_PATTERN, NOT_A_DURATION), z.number().min(0)])
    .transform((written, context) => {
      const ms = typeof written === "number" ? written : parseDuration(written);
      if (ms !== undefined && ms >= shortestMs && ms <= LONGEST_TIMER_MS) return ms;
      context.issues.push({
        code: "custom",
        input: written,
        message: `must be from ${formatDuration(shortestMs)} to 24d`,
      });
      return z.NEVER;
    });
}

type DurationSchema = z.ZodPipe<
  z.ZodUnion<readonly [z.ZodString, z.ZodNumber]>,
  z.ZodTransform<number, string | number>
>;

const NOT_A_DURATION = "is not a duration\nwrite a number with a unit: 100ms, 10s, 1m30s, 24h, 7d";

/**
 * Longest request, and longest batch: places in it are counted in 32 bits, and nothing is longer
 * than half of what they reach.
 */
const MOST_ADDRESSED_BYTES = 1_073_741_824;

/** The length of something that is held as one: a request, or a batch. */
export function length(fewestBytes: number): SizeSchema {
  return size(fewestBytes, MOST_ADDRESSED_BYTES, "places within a request are counted in 32 bits");
}

/**
 * A text (`64MiB`, `20GiB`) or bytes; gives whole bytes. `reason`: why not more than `mostBytes`.
 */
export function size(fewestBytes: number, mostBytes: number = Number.MAX_SAFE_INTEGER, reason = ""): SizeSchema {
  return z.union([z.string().regex(SIZE_PATTERN, NOT_A_SIZE), z.int().min(0)]).transform((written, context) => {
    const bytes = typeof written === "number" ? written : parseSize(written);
    if (bytes !== undefined && bytes >= fewestBytes && bytes <= mostBytes) return bytes;
    const tooMuch = bytes !== undefined && bytes > mostBytes && reason !== "";
    const most = `must be ${formatSize(mostBytes)} or less: ${reason}`;
    const message = tooMuch ? most : `must be ${formatSize(fewestBytes)} or more`;
    context.issues.push({ code: "custom", input: written, message });
    return z.NEVER;
  });
}

type SizeSchema = z.ZodPipe<z.ZodUnion<readonly [z.ZodString, z.ZodInt]>, z.ZodTransform<number, string | number>>;

const NOT_A_SIZE = "is not a size\nwrite a number with a unit: 512KiB, 64MiB, 20GiB";

/** A pattern in RE2 syntax; known to compile. */
export const RegexSchema = z.string().superRefine((pattern, context) => {
  const fault = regexFault(pattern);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

/**
 * What is wrong with the pattern and where, and a hint on a second line; undefined when it
 * compiles.
 */
function regexFault(pattern: string): string | undefined {
  if (pattern.length > LONGEST_PATTERN) return `the pattern is longer than ${LONGEST_PATTERN} characters`;
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (cause) {
    if (cause instanceof RE2JSSyntaxException)
      return `bad pattern: ${cause.getDescription()}${place(pattern, cause)}${HINT}`;
    if (cause instanceof RE2JSException) return `bad pattern: ${cause.message}${HINT}`;
    throw cause;
  }
}

const LONGEST_PATTERN = 4_096;
const HINT = "\npatterns are RE2 syntax: no look-around, no back-references; \\ takes the meaning of a character away";

/**
 * The engine names the faulty part, not its place: it is found again, where it stands only once.
 */
function place(pattern: string, cause: RE2JSSyntaxException): string {
  const part = cause.getPattern();
  if (part === null || part === pattern) return ` in "${pattern}"`;
  const at = pattern.indexOf(part);
  const once = at !== -1 && pattern.indexOf(part, at + 1) === -1;
  return ` in "${part}"${once ? ` at character ${at + 1}` : ""}`;
}
