/** What was promised, and what came out. */
export interface Mark {
  readonly what: string;
  readonly mark: string;
  readonly measured: string;
  readonly held: boolean;
}

export function atLeast(what: string, measured: number, least: number, show: (value: number) => string): Mark {
  return { what, mark: `at least ${show(least)}`, measured: show(measured), held: measured >= least };
}

/** The same, with what is wanted besides. */
export function aims(
  what: string,
  measured: number,
  { least, goal }: { readonly least: number; readonly goal: number },
  show: (value: number) => string,
): Mark {
  const mark = atLeast(what, measured, least, show);
  return { ...mark, mark: `${mark.mark}, goal ${show(goal)}` };
}

export function below(what: string, measured: number, most: number, show: (value: number) => string): Mark {
  return { what, mark: `at most ${show(most)}`, measured: show(measured), held: measured <= most };
}

export function none(what: string, measured: number): Mark {
  return { what, mark: "none", measured: measured === 0 ? "none" : thousands(measured), held: measured === 0 };
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function times(value: number): string {
  return value.toFixed(2);
}

export function millions(value: number): string {
  return `${(value / 1e6).toFixed(2)} M`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

export function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
