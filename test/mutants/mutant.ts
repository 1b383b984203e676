/** A fault to plant: `code` stands once in the file, and is replaced by `fault`. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly code: string;
  readonly fault: string;
  /** The tests that can see it, cheap ones first; one of them has to fail. */
  readonly tests: readonly string[];
}
