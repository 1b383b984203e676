/** How far a server's clock is ahead of this one, in milliseconds; below 0: behind. */
export interface TimeDifference {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Of a Date header (RFC 9110, 6.6.1). */
const DATE_STEP_MS = 1_000;

/**
 * What the Date of an answer says of the clock of whoever answered: it has whole seconds, and was
 * written at some time between the question and the answer. Undefined: it is no date.
 */
export function differenceOf(
  date: string | undefined,
  { askedMs, answeredMs }: { readonly askedMs: number; readonly answeredMs: number },
): TimeDifference | undefined {
  // oxlint-disable-next-line no-restricted-globals -- reads a given time; does not ask for one
  const serverMs = Date.parse(date ?? "");
  if (Number.isNaN(serverMs)) return undefined;
  return { leastMs: serverMs - answeredMs, mostMs: serverMs + DATE_STEP_MS - askedMs };
}
