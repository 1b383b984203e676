/**
 * Compiles a glob over the whole text: `*` is any text, also none; `\*` is an asterisk, `\\` a backslash.
 * Linear in the text for each part between asterisks; there is no backtracking.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const parts = partsOf(pattern);
  const first = parts[0]!;
  if (parts.length === 1) return (text) => text === first;
  const last = parts.at(-1)!;
  const middle = parts.slice(1, -1).filter((part) => part !== "");
  const fixed = first.length + last.length;
  return (text) => {
    if (text.length < fixed || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of middle) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return at <= end;
  };
}

/** The texts between unescaped asterisks. */
function partsOf(pattern: string): string[] {
  const parts = [""];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    const next = pattern[i + 1];
    if (char === "*") parts.push("");
    else if (char === "\\" && (next === "*" || next === "\\")) parts[parts.length - 1] += pattern[++i]!;
    else parts[parts.length - 1] += char;
  }
  return parts;
}
