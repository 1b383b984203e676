import type { Random } from "../../src/core/random.ts";

/** Above so many, a normal distribution is as good. */
const MANY = 30;

/** How many of independent events come of which `mean` are expected. */
export function drawPoisson(mean: number, random: Random): number {
  if (mean <= 0) return 0;
  if (mean > MANY) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const least = Math.exp(-mean);
  let product = random.next();
  let count = 0;
  while (product > least) {
    product *= random.next();
    count++;
  }
  return count;
}

/** How many of `count` are kept, each with the probability. */
export function drawBinomial(count: number, probability: number, random: Random): number {
  if (count === 0 || probability <= 0) return 0;
  if (probability >= 1) return count;
  const mean = count * probability;
  if (mean > MANY && count - mean > MANY) {
    const drawn = Math.round(mean + Math.sqrt(mean * (1 - probability)) * normal(random));
    return Math.min(count, Math.max(0, drawn));
  }
  if (count > 1_000 && mean <= MANY) return Math.min(count, drawPoisson(mean, random));
  let kept = 0;
  for (let i = 0; i < count; i++) kept += random.next() < probability ? 1 : 0;
  return kept;
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
