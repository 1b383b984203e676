const PAGE = 4_096;

/** How much two texts have in common at both ends; never the same characters twice. */
export function commonEnds(a: string, b: string): [head: number, tail: number] {
  const most = Math.min(a.length, b.length);
  let head = 0;
  for (let size = PAGE; size > 0; size >>= 1) {
    while (head + size <= most && a.slice(head, head + size) === b.slice(head, head + size)) head += size;
  }
  const left = most - head;
  let tail = 0;
  for (let size = PAGE; size > 0; size >>= 1) {
    while (tail + size <= left && endOf(a, tail, size) === endOf(b, tail, size)) tail += size;
  }
  return [head, tail];
}

function endOf(text: string, tail: number, size: number): string {
  return text.slice(text.length - tail - size, text.length - tail);
}

/**
 * How many items two lists have in common at both ends; none of them twice. Without `isSame`: the
 * same objects, or equal values.
 */
export function commonItems<Item>(
  a: readonly Item[],
  b: readonly Item[],
  isSame?: (a: Item, b: Item) => boolean,
): { readonly head: number; readonly tail: number } {
  const most = Math.min(a.length, b.length);
  let head = 0;
  let tail = 0;
  if (isSame === undefined) {
    while (head < most && a[head] === b[head]) head++;
    while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  } else {
    while (head < most && isSame(a[head]!, b[head]!)) head++;
    while (tail < most - head && isSame(a[a.length - 1 - tail]!, b[b.length - 1 - tail]!)) tail++;
  }
  return { head, tail };
}
