import { z } from "zod";
import { NameSchema } from "./name.ts";

const NOTHING_SELECTED = 'needs region or tags\nall targets: { region: "*" }';

const SelectorSchema = z
  .strictObject({
    region: z.string().min(1).optional().describe("Glob over the targets' regions."),
    tags: z.record(z.string(), z.string()).optional().describe("Globs over the targets' tags, all of which must fit."),
  })
  .check((context) => {
    const { region, tags } = context.value;
    if (region !== undefined || tags !== undefined || context.issues.length > 0) return;
    context.issues.push({ code: "custom", input: context.value, message: NOTHING_SELECTED });
  });

export type Selector = z.output<typeof SelectorSchema>;

/** Targets by id, in order, or by a selector, in the order of `targets`. */
export const TargetSetSchema = z
  .union([z.array(NameSchema).min(1), SelectorSchema])
  .meta({ id: "Targets", description: "Ids of targets in order, or a selector over all targets." });

export type TargetSet = z.output<typeof TargetSetSchema>;
