const MS_OF_UNIT: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };
const LARGEST = 99_999_999;

/**
 * A `grpc-timeout` header in milliseconds (grpc/doc/PROTOCOL-HTTP2.md: 1 to 8 digits and a unit);
 * undefined when malformed.
 */
export function parseTimeout(text: string): number | undefined {
  const unit = MS_OF_UNIT[text.slice(-1)];
  const digits = text.slice(0, -1);
  if (unit === undefined || !/^\d{1,8}$/u.test(digits)) return undefined;
  return Number(digits) * unit;
}

/**
 * The `grpc-timeout` header for a time left, rounded up to what eight digits can say, and at least
 * one millisecond.
 */
export function formatTimeout(timeoutMs: number): string {
  const wholeMs = Math.max(1, Math.ceil(timeoutMs));
  if (wholeMs <= LARGEST) return `${wholeMs}m`;
  return `${Math.min(LARGEST, Math.ceil(wholeMs / 1_000))}S`;
}
