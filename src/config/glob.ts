/** Whether the whole text fits the glob: `*` is any text, also none; `\*` is an asterisk and `\\` a backslash. */
export function globMatches(pattern: string, text: string): boolean {
  const parts = splitGlob(pattern);
  const first = parts[0] ?? "";
  if (parts.length === 1) return text === first;
  const last = parts[parts.length - 1] ?? "";
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** The texts between the asterisks, without escapes: one part when there is no asterisk. */
export function splitGlob(pattern: string): string[] {
  const parts = [""];
  for (let i = 0; i < pattern.length; i++) {
    const letter = pattern[i] ?? "";
    const next = pattern[i + 1];
    if (letter === "*") parts.push("");
    else if (letter === "\\" && (next === "*" || next === "\\")) {
      parts[parts.length - 1] += next;
      i++;
    } else parts[parts.length - 1] += letter;
  }
  return parts;
}
