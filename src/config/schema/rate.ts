import { z } from "zod";

const OUTSIDE = "must be within 0 and 1";

/** A share: 0 is nothing, 1 is everything. */
export const RateSchema = z.number().min(0, OUTSIDE).max(1, OUTSIDE);
