/**
 * Empties a short list that is filled again soon. `length = 0` would give its memory back, which
 * is made anew then: 120 ns for each list and request, instead of 5 for each entry.
 */
export function emptyList(list: unknown[]): void {
  shortenList(list, 0);
}

/** The same for what is beyond the first `length` entries. */
export function shortenList(list: unknown[], length: number): void {
  while (list.length > length) list.pop();
}
