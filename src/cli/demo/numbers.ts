const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `12,345` */
export function count(value: number): string {
  return NUMBER.format(Math.round(value));
}

/** `1:05` for 65 seconds, `1:00:00` for an hour. */
export function minutes(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
