import { z } from "zod";

export const ALL_SIGNALS = ["traces", "metrics", "logs"] as const;

export const SignalsSchema = z.array(z.enum(ALL_SIGNALS)).min(1);
