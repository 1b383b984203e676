/** A place in a file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A finding in a config: what is wrong, where, and how to mend it. */
export interface Problem {
  readonly severity: "error" | "warning";
  /** Where in the document, as people write it: `rules[2].conditions[0].span_kind`. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  readonly file?: string;
  readonly position?: Position;
}

/** One line for people: `file:line:column: error: path: message (hint)`. */
export function formatProblem(problem: Problem): string {
  const at = problem.position ? `:${problem.position.line}:${problem.position.column}` : "";
  const where = problem.file === undefined ? "" : `${problem.file}${at}: `;
  const path = problem.path === "" ? "" : `${problem.path}: `;
  const hint = problem.hint === undefined ? "" : ` (${problem.hint})`;
  return `${where}${problem.severity}: ${path}${problem.message}${hint}`;
}
