/**
 * What differs between two texts, line by line, as a unified diff with three lines of context;
 * empty when nothing does. Texts that differ in more than a thousand lines are shown as one change.
 */
export function textDiff(before: string, after: string, names: { readonly from: string; readonly to: string }): string {
  if (before === after) return "";
  const [a, b] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const kept = commonLines(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  const until = (endA: number, endB: number): void => {
    while (i < endA) lines.push({ sign: "-", text: a[i++] ?? "" });
    while (j < endB) lines.push({ sign: "+", text: b[j++] ?? "" });
  };
  const same = (): void => {
    lines.push({ sign: " ", text: a[i++] ?? "" });
    j++;
  };
  for (let n = 0; n < head; n++) same();
  for (const [x, y] of kept) {
    until(head + x, head + y);
    same();
  }
  until(a.length - tail, b.length - tail);
  while (i < a.length) same();
  return `--- ${names.from}\n+++ ${names.to}\n${hunksOf(lines)}`;
}

const CONTEXT = 3;
/** The time and memory that the search takes grow with the square of it. */
const MAX_EDITS = 1_000;

interface DiffLine {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * Pairs of indexes of lines that both have, rising: the longest such list (Myers, "An O(ND)
 * difference algorithm", 1986).
 */
function commonLines(a: readonly string[], b: readonly string[]): [number, number][] {
  const most = Math.min(MAX_EDITS, a.length + b.length);
  const offset = most + 1;
  const furthest = new Int32Array(2 * most + 3);
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits++) {
    trace.push(furthest.slice(offset - edits - 1, offset + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      const [left, right] = [furthest[offset + k - 1] ?? 0, furthest[offset + k + 1] ?? 0];
      let x = k === -edits || (k !== edits && left < right) ? right : left + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest[offset + k] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(trace, a.length, b.length);
    }
  }
  return [];
}

function walkBack(trace: readonly Int32Array[], endX: number, endY: number): [number, number][] {
  const pairs: [number, number][] = [];
  let [x, y] = [endX, endY];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const furthest = trace[edits] ?? new Int32Array();
    const at = (k: number): number => furthest[k + edits + 1] ?? 0;
    const k = x - y;
    const isDown = k === -edits || (k !== edits && at(k - 1) < at(k + 1));
    const fromX = edits === 0 ? 0 : isDown ? at(k + 1) : at(k - 1) + 1;
    while (x > fromX) pairs.push([--x, --y]);
    if (edits === 0) break;
    if (isDown) y--;
    else x--;
  }
  return pairs.toReversed();
}

function hunksOf(lines: readonly DiffLine[]): string {
  let text = "";
  let [oldAt, newAt] = [1, 1];
  for (let from = 0; from < lines.length; ) {
    const first = lines.findIndex(({ sign }, i) => i >= from && sign !== " ");
    if (first === -1) break;
    const start = Math.max(from, first - CONTEXT);
    for (; from < start; from++) [oldAt, newAt] = [oldAt + 1, newAt + 1];
    let end = first;
    for (let i = first; i < lines.length && i <= end + 2 * CONTEXT; i++) if (lines[i]?.sign !== " ") end = i;
    const hunk = lines.slice(start, Math.min(lines.length, end + CONTEXT + 1));
    const olds = hunk.filter(({ sign }) => sign !== "+").length;
    const news = hunk.filter(({ sign }) => sign !== "-").length;
    text += `@@ -${rangeOf(oldAt, olds)} +${rangeOf(newAt, news)} @@\n`;
    for (const line of hunk) text += `${line.sign}${line.text}\n`;
    [oldAt, newAt, from] = [oldAt + olds, newAt + news, start + hunk.length];
  }
  return text;
}

/** As `diff -u` has it: nothing at all begins before its first line. */
function rangeOf(at: number, count: number): string {
  return `${count === 0 ? at - 1 : at},${count}`;
}
