import { inOneLine } from "../table.ts";

/** A text as lines of at most `width` characters, broken between words; all but the first begin with `indent` spaces. */
export function wrapped(text: string, width: number, indent: number): string[] {
  const lead = /^ */u.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  let line = lead;
  let fresh = true;
  for (const word of inOneLine(text).trim().split(" ")) {
    if (!fresh && line.length + 1 + word.length > width) {
      lines.push(line);
      line = " ".repeat(indent);
      fresh = true;
    }
    line += fresh ? word : ` ${word}`;
    fresh = false;
  }
  return [...lines, line];
}
