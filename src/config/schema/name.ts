import { z } from "zod";

/** Ids of targets and rules, names of pools and regions. */
export const NAME_PATTERN = /^[A-Za-z0-9._-]{1,63}$/u;

export const NameSchema = z
  .string()
  .regex(NAME_PATTERN, "is not a valid name\n1 to 63 letters, digits, dots, underscores and hyphens");
