/**
 * What a rule asks of a span where it does nothing but compare one whole number with two others: it
 * holds from `least` to `most`. The code of the status and the kind are 0 where nothing is said; an
 * attribute that is missing has no number.
 */
export interface SpanQuestion {
  readonly of: "attribute" | "status" | "kind";
  /** Of an attribute its key. */
  readonly key: string;
  readonly least: number;
  readonly most: number;
}
