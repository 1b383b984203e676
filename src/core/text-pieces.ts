const PIECE = 32_768;

/**
 * A text in pieces of at most `length` UTF-16 units, which is 2 or more: no character is cut in
 * two. An empty text has no pieces.
 */
export function piecesOf(text: string, length: number = PIECE): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + length);
    // The first half of a character of two.
    if (to < text.length && (text.charCodeAt(to - 1) & 0xfc_00) === 0xd8_00) to--;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}
