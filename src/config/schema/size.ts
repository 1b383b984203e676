import { z } from "zod";
import { formatSize, parseSize, SIZE_PATTERN } from "../../core/units.ts";

/** A text (`64MiB`, `20GiB`) or bytes; gives whole bytes. */
export function size(fewestBytes: number): SizeSchema {
  return z.union([z.string().regex(SIZE_PATTERN, NOT_A_SIZE), z.int().min(0)]).transform((written, context) => {
    const bytes = typeof written === "number" ? written : parseSize(written);
    if (bytes !== undefined && bytes >= fewestBytes && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
    context.issues.push({ code: "custom", input: written, message: `must be ${formatSize(fewestBytes)} or more` });
    return z.NEVER;
  });
}

type SizeSchema = z.ZodPipe<z.ZodUnion<readonly [z.ZodString, z.ZodInt]>, z.ZodTransform<number, string | number>>;

const NOT_A_SIZE = "is not a size\nwrite a number with a unit: 512KiB, 64MiB, 20GiB";
