import { type CommonItems, knownCommon } from "./derived-list.ts";

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
 * same objects, or equal values. What is known of derived lists (derived-list.ts) is not looked at.
 */
export function commonItems<Item>(
  a: readonly Item[],
  b: readonly Item[],
  isSame?: (a: Item, b: Item) => boolean,
): CommonItems {
  const most = Math.min(a.length, b.length);
  let { head, tail } = knownCommon(a, b) ?? NOTHING_KNOWN;
  if (isSame === undefined) {
    while (head + tail < most && a[head] === b[head]) head++;
    while (head + tail < most && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  } else {
    while (head + tail < most && isSame(a[head]!, b[head]!)) head++;
    while (head + tail < most && isSame(a[a.length - 1 - tail]!, b[b.length - 1 - tail]!)) tail++;
  }
  return { head, tail };
}

const NOTHING_KNOWN: CommonItems = { head: 0, tail: 0 };
