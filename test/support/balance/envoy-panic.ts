/**
 * One level of one row of the tables. Percent of its hosts that are healthy, whether it panics, and
 * the total over all levels.
 */
export interface EnvoyLevel {
  readonly healthy: number;
  readonly panics: boolean;
  readonly normalizedTotal: number;
}

/**
 * Envoy's published tables on the panic threshold (50 %) with two priority levels, row by row, P=0
 * before P=1:
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/panic_threshold
 */
export const ENVOY_PANIC: readonly EnvoyLevel[] = [
  ...row(72, false, 100, false, 100),
  ...row(71, false, 100, false, 100),
  ...row(50, false, 100, false, 100),
  ...row(25, false, 100, false, 100),
  ...row(0, false, 100, false, 100),
  ...row(72, false, 72, false, 100),
  ...row(71, false, 71, false, 100),
  ...row(50, false, 60, false, 100),
  ...row(25, false, 100, false, 100),
  ...row(25, true, 25, true, 70),
  ...row(5, true, 65, false, 98),
];

function row(first: number, panics0: boolean, second: number, panics1: boolean, normalizedTotal: number): EnvoyLevel[] {
  return [
    { healthy: first, panics: panics0, normalizedTotal },
    { healthy: second, panics: panics1, normalizedTotal },
  ];
}
