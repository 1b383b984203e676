/** Whether the whole text fits the glob: see compileGlob. */
export function globMatches(pattern: string, text: string): boolean {
  return compileGlob(pattern)(text);
}

/**
 * Compiles a glob over the whole text: `*` is any text, also none; `\*` is an asterisk, `\\` a
 * backslash. Linear in the text for each part between asterisks; there is no backtracking.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const parts = splitGlob(pattern);
  return (text) => fitsParts(parts, text);
}

/** The same for a glob that was split. */
export function fitsParts(parts: readonly string[], text: string): boolean {
  const first = parts[0]!;
  if (parts.length === 1) return text === first;
  const last = parts[parts.length - 1]!;
  const end = text.length - last.length;
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const found = text.indexOf(parts[i]!, at);
    if (found < 0 || found + parts[i]!.length > end) return false;
    at = found + parts[i]!.length;
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

interface Selectable {
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface TargetSelector {
  readonly region?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** Whether the selector's region and all of its tags fit the target. */
export function isSelected(target: Selectable, selector: TargetSelector): boolean {
  if (selector.region !== undefined && !globMatches(selector.region, target.region)) return false;
  return Object.entries(selector.tags ?? {}).every(([tag, pattern]) => {
    const value = Object.hasOwn(target.tags, tag) ? target.tags[tag] : undefined;
    return value !== undefined && globMatches(pattern, value);
  });
}
