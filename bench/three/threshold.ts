/** The probability that a tracestate tells; 1 where it tells none. */
export function readThreshold(state: string): number {
  const digits = /(?:^|,)ot=(?:[^,]*;)?th:([0-9a-f]{1,14})/u.exec(state)?.[1];
  return digits === undefined ? 1 : 1 - Number.parseInt(digits, 16) / 16 ** digits.length;
}
