export interface ScoreWeights {
  readonly loadWeight: number;
  readonly latencyWeight: number;
}

/** Differences below this are noise of the event loop. */
const NOISE_MS = 1;
/** Nobody's share falls to nothing, so that news of everybody comes in. */
const LEAST_SCORE = 0.05;

/**
 * (load weight x (1 - load) + latency weight x lowest latency / latency) / both weights; 0.05 at
 * least.
 */
export function loadScore(load: number, latencyMs: number, lowestMs: number, weights: ScoreWeights): number {
  const { loadWeight, latencyWeight } = weights;
  const sum = loadWeight + latencyWeight;
  if (sum === 0) return 1;
  const latency = Math.min(1, (lowestMs + NOISE_MS) / (latencyMs + NOISE_MS));
  return Math.max(LEAST_SCORE, (loadWeight * (1 - load) + latencyWeight * latency) / sum);
}
