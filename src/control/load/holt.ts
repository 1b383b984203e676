/** Exponential smoothing with a trend that fades (Holt 1957, Gardner and McKenzie 1985). */
export interface Holt {
  readonly level: number;
  /** Of one step. */
  readonly trend: number;
}

/** How fast level and trend follow what comes, and how fast the trend fades. */
export interface HoltGains {
  readonly level: number;
  readonly trend: number;
  /** What is left of the trend after each step. */
  readonly damping: number;
}

/**
 * For steps of 10 s. Larger gains follow noise: with 0.3 and no damping the forecast over 5 minutes
 * is worse than to say that nothing changes.
 */
export const HOLT_GAINS: HoltGains = { level: 0.1, trend: 0.02, damping: 0.98 };

export function holtFrom(value: number): Holt {
  return { level: value, trend: 0 };
}

export function stepHolt({ level, trend }: Holt, value: number, gains: HoltGains = HOLT_GAINS): Holt {
  const faded = gains.damping * trend;
  const next = gains.level * value + (1 - gains.level) * (level + faded);
  return { level: next, trend: gains.trend * (next - level) + (1 - gains.trend) * faded };
}

/** So many steps ahead, never below 0. Steps may be a fraction. */
export function holtAhead({ level, trend }: Holt, steps: number, { damping }: HoltGains = HOLT_GAINS): number {
  // The sum of damping^i for i from 1 to steps.
  const weight = damping === 1 ? steps : (damping * (1 - damping ** steps)) / (1 - damping);
  return Math.max(0, level + weight * trend);
}
