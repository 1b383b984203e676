/**
 * `2026-11-22T02:19:00.000Z` for Clock.wallMs(): the one way in which logs and the API write a
 * time.
 */
export function isoTime(wallMs: number): string {
  // oxlint-disable-next-line no-restricted-globals -- formats a given time; does not ask for one
  return new Date(wallMs).toISOString();
}

/** Clock.wallMs() of a time that was written so; undefined for another text. */
export function parseIsoTime(text: string): number | undefined {
  // oxlint-disable-next-line no-restricted-globals -- reads a given time; does not ask for one
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
