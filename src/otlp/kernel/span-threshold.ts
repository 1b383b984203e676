/** From which randomness on spans are kept, and the field that is put at the end of each then. */
export interface SpanThreshold {
  readonly hi: number;
  readonly lo: number;
  readonly mark: Uint8Array;
}

/** What `measure` gives for spans of which one is not plain: nothing is known of the resource. */
export const NOT_PLAIN = -1;
