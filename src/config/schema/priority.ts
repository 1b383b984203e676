import { z } from "zod";

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
