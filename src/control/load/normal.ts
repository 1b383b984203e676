/** 1.96 standard deviations to both sides hold 95 % of a normal distribution. */
export const Z_95 = 1.96;

/** Share of the standard normal distribution below `z`, to 1e-7 (Abramowitz, Stegun 26.2.17). */
export function normalShareBelow(z: number): number {
  if (z < 0) return 1 - normalShareBelow(-z);
  if (z > 38) return 1;
  const t = 1 / (1 + 0.231_641_9 * z);
  const density = Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI);
  const tail =
    t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  return 1 - density * tail;
}
