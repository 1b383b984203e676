import { z } from "zod";
import { BUDGET_STATES } from "../../plan/sampling/budget-state.ts";
import { type ClassRate, RATE_REASONS } from "../../plan/sampling/class-rate.ts";
import type { SamplingDirective } from "../../plan/sampling/sampling-directive.ts";
import { checkShape, type Shaped } from "../../store/recipes/json-value.ts";
import { reasonOf } from "../../core/errors.ts";

/** The scope of directives that say what is kept. */
export const SAMPLING_SCOPE = "sampling";

const share = z.number().min(0).max(1);
const quantity = z.number().min(0);

const RateSchema = z.object({
  signal: z.enum(["traces", "logs"]),
  class: z.string().max(128),
  region: z.string().max(128).optional(),
  probability: share,
  /** One of another version is a reason all the same. */
  reason: z.enum(RATE_REASONS).catch("budget"),
  by: z.string().max(128).optional(),
  source: z.object({ rate: share.gt(0), reach: share.gt(0) }).optional(),
});

const StrategySchema = z.object({
  name: z.string().max(128),
  state: z.enum(BUDGET_STATES).catch("on_target"),
  rate: share,
  allowedPerSecond: quantity,
  keptPerSecond: quantity,
  spent: z.object({ hour: quantity, spent: quantity, budget: quantity }).optional(),
});

/** Rates that are the same but for the class and the region. */
const AlikeSchema = RateSchema.omit({ class: true, region: true }).extend({
  classes: z.array(z.string().max(128)),
  regions: z.array(z.string().max(128)),
  /** Besides those of the regions: that of all regions which have none of their own. */
  common: z.boolean(),
});

const SamplingDirectiveSchema = z.object({
  rates: z.array(RateSchema),
  alike: z.array(AlikeSchema).default([]),
  held: z.record(z.string(), share).default({}),
  summaries: z.record(z.string(), z.int().min(0)).default({}),
  equalShare: quantity.default(0),
  strategies: z.array(StrategySchema).default([]),
});

/** A longer list of rates is told by those that are alike. */
const LONG = 65_536;
/** A list that somebody else made up is no longer than this. */
const MOST_RATES = 1_000_000;

/**
 * As it is told: with a ceiling for each of many regions there are more rates, of all classes, than
 * a directive can hold, and most of them are the same.
 */
export function writeSamplingDirective({ rates, ...rest }: SamplingDirective): string {
  const plain = JSON.stringify({ rates, ...rest });
  return plain.length <= LONG ? plain : JSON.stringify({ rates: [], alike: alikeIn(rates), ...rest });
}

export function readSamplingDirective(body: string): Shaped<SamplingDirective> {
  try {
    const read = checkShape(JSON.parse(body), SamplingDirectiveSchema);
    if (!read.ok) return read;
    const { rates, alike, ...rest } = read.value;
    const count = alike.reduce((sum, { classes, regions }) => sum + classes.length * (regions.length + 1), 0);
    if (count > MOST_RATES) return { ok: false, reason: `it has ${count} rates` };
    return { ok: true, value: { ...rest, rates: [...rates, ...alike.flatMap(ratesOf)] } };
  } catch (cause) {
    return { ok: false, reason: `it is no JSON: ${reasonOf(cause)}` };
  }
}

type AlikeRates = z.output<typeof AlikeSchema>;

/** By what they say, then by the classes of which they say it. */
function alikeIn(rates: readonly ClassRate[]): AlikeRates[] {
  const same = Map.groupBy(rates, ({ class: _class, region: _region, ...its }) => JSON.stringify(its));
  return Array.from(same.values(), (its) => {
    const { class: _class, region: _region, ...said } = its[0]!;
    const byRegion = Map.groupBy(its, ({ region }) => region);
    const classesOf = Array.from(byRegion, ([region, those]) => ({ region, classes: those.map((one) => one.class) }));
    const together = Map.groupBy(classesOf, ({ classes }) => JSON.stringify(classes));
    return Array.from(together.values(), (those) => ({
      ...said,
      classes: those[0]!.classes,
      regions: those.flatMap(({ region }) => region ?? []),
      common: those.some(({ region }) => region === undefined),
    }));
  }).flat();
}

function ratesOf({ classes, regions, common, ...said }: AlikeRates): ClassRate[] {
  const places = common ? [undefined, ...regions] : regions;
  return places.flatMap((region) => classes.map((name) => ({ ...said, class: name, region })));
}
