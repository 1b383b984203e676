/**
 * The candidate that was probably meant, or undefined when none is near: at most a third of the
 * letters differ, or two.
 */
export function closest(text: string, candidates: Iterable<string>): string | undefined {
  const wanted = text.toLowerCase();
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  let compared = 0;
  for (const candidate of candidates) {
    const longer = Math.max(text.length, candidate.length);
    const limit = Math.min(longer - 1, Math.max(2, Math.floor(longer / 3)));
    if (longer > MAX_LENGTH || Math.abs(text.length - candidate.length) > limit) continue;
    if (++compared > MAX_COMPARED) break;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance <= limit && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "b"?`, or the known ones when none is near; undefined when there are none. */
export function hintFor(text: string, known: readonly string[], noun: string): string | undefined {
  const near = closest(text, known);
  if (near !== undefined) return `did you mean "${near}"?`;
  if (known.length === 0) return undefined;
  const shown = known.slice(0, MAX_SHOWN).join(", ");
  const more = known.length > MAX_SHOWN ? ` and ${known.length - MAX_SHOWN} more` : "";
  return `known ${noun}: ${shown}${more}`;
}

/** Longer texts are not compared: the work grows with the product of the lengths. */
const MAX_LENGTH = 100;
const MAX_COMPARED = 1_000;
const MAX_SHOWN = 24;

/** Damerau-Levenshtein (optimal string alignment): a swap of two neighbours counts once. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + change);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
