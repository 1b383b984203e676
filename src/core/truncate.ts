/**
 * The text, or its beginning and `…`: `most` characters in all, and no half of a surrogate pair.
 */
export function truncate(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;
}
