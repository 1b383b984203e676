import type { Position } from "../core/problem.ts";
import type { Path } from "./finding.ts";

/** A document as plain values, with the place of each. */
export interface ParsedDocument {
  /** Plain values: mappings are objects, whole numbers beyond 2^53 are bigint. */
  readonly root: unknown;
  /**
   * Place of the value at the path, or of its key, or of the nearest thing above it that is there.
   */
  positionOf(path: Path, at: "key" | "value"): Position;
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

/** A text of which nothing can be said but this. */
export function refused(fault: SyntaxFault): ParseResult {
  return { ok: false, faults: [fault] };
}
