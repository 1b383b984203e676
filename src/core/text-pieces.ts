const PIECE = 32_768;

/** A text in pieces; no character is cut in two. An empty one is none. */
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
