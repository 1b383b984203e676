/** A part of the fleet's limit, items a second. */
export interface LimitShare {
  readonly amount: number;
  /** Counted by the holder from the sending of its request. */
  readonly validForMs: number;
  readonly seq: number;
}

/** The answer to an ask. What is absent was not granted: what there was stands to its end. */
export interface LimitGrant {
  /** Of whoever grants: formatted, compared by its users. */
  readonly epoch: string;
  /** By demand, for seconds. */
  readonly lease?: LimitShare | undefined;
  /** For when nobody can be asked: little, and for long. */
  readonly safe?: LimitShare | undefined;
}

/** What a holder tells of what it has. */
export interface LimitHeld {
  readonly epoch: string;
  readonly amount: number;
  readonly validForMs: number;
  readonly seq: number;
}

export interface LimitAsk {
  /** The leader that it goes to, as its last answer told; undefined: there was none. */
  readonly to?: string | undefined;
  /** Offered before limiting: what is let in says nothing of what would come. */
  readonly wanted: number;
  readonly weight: number;
  readonly lease?: LimitHeld | undefined;
  /**
   * It was granted less than it has, and has lent so much of that on which has not come back: it
   * asks for a part that is no smaller, so that the rest of what it has is free.
   */
  readonly lent?: number | undefined;
  readonly safe?: LimitHeld | undefined;
}
