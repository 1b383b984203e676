import { z } from "zod";
import { EpochTextSchema } from "../fleet/directive.ts";

/** Keys in one ask; those that are hot no more are in it for some time. */
const MOST_KEYS = 512;
const LONGEST_KEY = 256;

const amount = z.number().min(0);
const ms = z.number().min(0);
const HeldSchema = z.object({ epoch: EpochTextSchema, amount, validForMs: ms, seq: z.int().min(0) });
const ShareSchema = z.object({ amount, validForMs: ms, seq: z.int().min(0) });

const ASK_SHAPE = {
  to: EpochTextSchema.optional(),
  wanted: amount,
  weight: z.number().gt(0).default(1),
  lease: HeldSchema.optional(),
  lent: amount.optional(),
  safe: HeldSchema.optional(),
};
const GRANT_SHAPE = { epoch: EpochTextSchema, lease: ShareSchema.optional(), safe: ShareSchema.optional() };
const key = z.string().max(LONGEST_KEY);

/** What somebody would let in, of everything together and of keys, and what it has: LimitsAsk. */
export const LimitsAskSchema = z.object({
  total: z.object(ASK_SHAPE),
  keys: z
    .array(z.object({ key, ...ASK_SHAPE }))
    .max(MOST_KEYS)
    .readonly()
    .default([]),
});

/** What it may: LimitsGrant. */
export const LimitsGrantSchema = z.object({
  total: z.object(GRANT_SHAPE),
  keys: z
    .array(z.object({ key, ...GRANT_SHAPE }))
    .max(MOST_KEYS)
    .readonly()
    .default([]),
});
