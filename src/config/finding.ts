/** Keys and indexes from the top of the document. */
export type Path = readonly (string | number)[];

/** A problem before it knows its place in a file. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly path: Path;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Whether the key is at fault, or what stands there; default: the value. */
  readonly at?: "key" | "value";
}

/** A finding that makes the config unusable. */
export function fault(path: Path, message: string, hint?: string): Finding {
  return { severity: "error", path, message, hint };
}

/** A finding that people should know of, of a config that can be used. */
export function caution(path: Path, message: string, hint?: string): Finding {
  return { severity: "warning", path, message, hint };
}

/** The same, of the key and not of what stands there. */
export function atKey(finding: Finding): Finding {
  return { ...finding, at: "key" };
}

/** As people write it: `rules[2].conditions[0].span_kind`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/u.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** Whether a path leads to what stands at another one, or to something in it. */
export function isWithin(path: Path, above: Path): boolean {
  return above.length <= path.length && above.every((part, i) => part === path[i]);
}
