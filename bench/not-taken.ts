/** Requests that were refused, reset or lost. */
export function notTaken({
  refused,
  failed,
}: {
  readonly refused: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
}): number {
  return [...Object.values(refused), ...Object.values(failed)].reduce((sum, each) => sum + each, 0);
}
