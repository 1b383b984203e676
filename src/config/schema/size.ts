import { z } from "zod";
import { formatSize, parseSize, SIZE_PATTERN } from "../../core/units.ts";

/** Longest request, and longest batch: places in it are counted in 32 bits, and nothing is longer than half of what they reach. */
const MOST_ADDRESSED_BYTES = 1_073_741_824;

/** The length of something that is held as one: a request, or a batch. */
export function length(fewestBytes: number): SizeSchema {
  return size(fewestBytes, MOST_ADDRESSED_BYTES, "places within a request are counted in 32 bits");
}

/** A text (`64MiB`, `20GiB`) or bytes; gives whole bytes. `reason`: why not more than `mostBytes`. */
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
