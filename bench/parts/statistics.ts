/** Of the numbers that are there; 0 without any. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? 0;
  return Number.isInteger(half) ? ((sorted[half - 1] ?? 0) + upper) / 2 : upper;
}

/**
 * What each turn's window came to beside that of the same turn: so what slows down a whole turn
 * changes nothing. Turns in which there is nothing to compare with are left out.
 */
export function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.flatMap((value, turn) => {
    const other = others[turn] ?? 0;
    return other > 0 ? [value / other] : [];
  });
}

/** Who is measured in which turn: each is the first, the second and so on equally often. */
export function orderOf(count: number, turn: number): number[] {
  return Array.from({ length: count }, (_, i) => (i + turn) % count);
}

/** What was acknowledged in one piece of the time. */
export interface Sample {
  /** From the end of the pause to the end of this piece. */
  readonly atMs: number;
  readonly durationMs: number;
  readonly items: number;
}

/** How long a goodput has to last to count as being back: one piece says little. */
const LASTS_MS = 1_000;

/**
 * When the goodput came back: the first moment from which a second long at least `share` of
 * `itemsPerSecond` was acknowledged on average. Undefined: not in the time of the samples.
 */
export function backAfterMs(samples: readonly Sample[], itemsPerSecond: number, share: number): number | undefined {
  for (const [i, { atMs, durationMs }] of samples.entries()) {
    const fromMs = atMs - durationMs;
    const second = samples.slice(i).filter((each) => each.atMs <= fromMs + 1.05 * LASTS_MS);
    if ((samples.at(-1)?.atMs ?? 0) < fromMs + LASTS_MS) return undefined;
    if (rateOf(second) >= share * itemsPerSecond) return Math.max(0, fromMs);
  }
  return undefined;
}

/** Items a second of what ended between the two moments. */
export function rateBetween(samples: readonly Sample[], fromMs: number, toMs: number): number {
  return rateOf(samples.filter(({ atMs }) => atMs > fromMs && atMs <= toMs));
}

function rateOf(samples: readonly Sample[]): number {
  const ms = samples.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const items = samples.reduce((sum, each) => sum + each.items, 0);
  return ms === 0 ? 0 : (1_000 * items) / ms;
}

/** The median of what each window came to beside that of the same turn. */
export function timesOf<Window>(
  series: { readonly windows: readonly Window[] },
  other: { readonly windows: readonly Window[] },
  figure: (window: Window) => number,
): number {
  return median(ratios(series.windows.map(figure), other.windows.map(figure)));
}
