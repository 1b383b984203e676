/** Replaces `text[start, end)`; nothing is cut when both are the same. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text with all splices done: what lies outside of them stays byte for byte. Cuts may overlap each other; of those that
 * begin at the same place, what is put in stands in the order of the list. New lines end like those of the text.
 */
export function applySplices(text: string, splices: readonly Splice[]): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  let result = "";
  let at = 0;
  for (const { start, end, text: put } of splices.toSorted((a, b) => a.start - b.start)) {
    if (start > at) result += text.slice(at, start);
    result += eol === "\n" ? put : put.replaceAll("\n", eol);
    at = Math.max(at, end);
  }
  return result + text.slice(at);
}

/** Where the line of an offset begins. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Where the line ends that has the character before the offset: one past its line break, or the end of the text. */
export function lineEnd(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === "\n") return offset;
  const at = text.indexOf("\n", offset);
  return at === -1 ? text.length : at + 1;
}

/** Characters before the offset in its line. */
export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

/**
 * Where the comment begins that stands directly above a line, with the same indentation and no empty line between;
 * the line's own start when there is none. Never before `from`.
 */
export function withCommentAbove(text: string, line: number, column: number, from: number): number {
  let start = line;
  while (start > from) {
    const above = lineStart(text, start - 1);
    if (above < from || !isCommentAt(text.slice(above, start), column)) break;
    start = above;
  }
  return start;
}

/** Where the comments end that stand below a line and deeper than `column`: they belong to what the line is part of. */
export function withCommentsBelow(text: string, end: number, column: number): number {
  let at = end;
  for (let from = end; from < text.length; ) {
    const next = lineEnd(text, from + 1);
    const line = text.slice(from, next);
    const trimmed = line.trimStart();
    if (trimmed !== "" && !(trimmed.startsWith("#") && line.length - trimmed.length > column)) break;
    if (trimmed !== "") at = next;
    from = next;
  }
  return at;
}

function isCommentAt(line: string, column: number): boolean {
  return line.trimStart().startsWith("#") && line.length - line.trimStart().length === column;
}
