import type { Position } from "../core/problem.ts";
import type { Path } from "./finding.ts";

/** A document as plain values, with the place of each. */
export interface ParsedDocument {
  /** Plain values: mappings are objects, whole numbers beyond 2^53 are bigint. */
  readonly root: unknown;
  /**
   * Where the value at the path begins, or its key, or the nearest thing above it that is there.
   */
  offsetOf(path: Path, at: "key" | "value"): number;
  positionAt(offset: number): Position;
  /** Whether its rules are known by their lines: of a few that change only these are read. */
  readonly isPlain: boolean;
}

export interface SyntaxFault {
  readonly message: string;
  readonly hint?: string;
  readonly position: Position;
}

/** Of a text. */
export type ParseResult =
  | { readonly ok: true; readonly document: ParsedDocument; readonly faults: readonly SyntaxFault[] }
  | { readonly ok: false; readonly faults: readonly SyntaxFault[] };

/** Values, and where the entries of the list `rules` at the top are: `[start, .., end]`. */
export interface PlainDocument {
  readonly text: string;
  readonly root: unknown;
  /** It stands in braces, as JSON does. */
  readonly isFlow: boolean;
  readonly ruleStarts: readonly number[] | undefined;
}

/** Rules alone: where they begin, and where the last one ends if there is one. */
export interface PlainEntries {
  readonly items: unknown[];
  readonly starts: readonly number[];
  readonly end: number | undefined;
}

/** A text of which nothing can be said but this. */
export function refused(fault: SyntaxFault): ParseResult {
  return { ok: false, faults: [fault] };
}

/** As `offsetOf`, as line and column. */
export function positionOf(document: ParsedDocument, path: Path, at: "key" | "value"): Position {
  return document.positionAt(document.offsetOf(path, at));
}
