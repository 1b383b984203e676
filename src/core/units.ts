/** A duration as people write it: numbers with units, `1m30s`. */
export const DURATION_PATTERN = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/u;
/** A size as people write it: one number with a unit, `64MiB`; KB is 1000 bytes, KiB 1024. */
export const SIZE_PATTERN = /^\d+(?:\.\d+)? ?(?:B|[KMGT]i?B)$/u;

/** Milliseconds of a text such as `100ms` or `1m30s`; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION_PATTERN.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-z]+)/gu)) {
    totalMs += Number(amount) * (DURATION_UNITS[unit ?? ""] ?? Number.NaN);
  }
  return totalMs;
}

/** Bytes of a text such as `64MiB`, rounded to whole bytes; undefined when it is none. */
export function parseSize(text: string): number | undefined {
  if (!SIZE_PATTERN.test(text)) return undefined;
  const [, amount, unit] = /^([\d.]+) ?([A-Za-z]+)$/u.exec(text) ?? [];
  return Math.round(Number(amount) * (SIZE_UNITS[unit ?? ""] ?? Number.NaN));
}

/** The shortest text with one unit that parses back to the same number: 90000 is `90s`. */
export function formatDuration(durationMs: number): string {
  return inLargestUnit(durationMs, DURATION_UNITS, "ms");
}

/** The shortest text with one unit that parses back to the same number: 67108864 is `64MiB`. */
export function formatSize(bytes: number): string {
  return inLargestUnit(bytes, BINARY_SIZE_UNITS, "B");
}

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BINARY_SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1_024,
  MiB: 1_024 ** 2,
  GiB: 1_024 ** 3,
  TiB: 1_024 ** 4,
};
const SIZE_UNITS: Readonly<Record<string, number>> = {
  ...BINARY_SIZE_UNITS,
  KB: 1_000,
  MB: 1_000 ** 2,
  GB: 1_000 ** 3,
  TB: 1_000 ** 4,
};

function inLargestUnit(amount: number, units: Readonly<Record<string, number>>, smallest: string): string {
  let best = `${amount}${smallest}`;
  if (amount === 0) return best;
  for (const [unit, factor] of Object.entries(units)) {
    if (amount % factor === 0) best = `${amount / factor}${unit}`;
  }
  return best;
}
