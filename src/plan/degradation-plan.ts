/**
 * What a node gives up under load, as its data plane is told: plain data, in the place of what was
 * told before. Nothing is until something is told.
 */
export interface GivenUp {
  /** 0 to 5: see DEGRADATION_STEPS. */
  readonly level: number;
  /** Share that is kept at most of what is not protected: the fleet's `target_rate`, or 1. */
  readonly unprotectedRate: number;
  /** And from level 2 on of what is of low priority. */
  readonly lowRate: number;
  /** For senders that are refused: what is too much, and what would help. */
  readonly why: string;
}

export const NOTHING_GIVEN_UP: GivenUp = { level: 0, unprotectedRate: 1, lowRate: 1, why: "" };

/** The levels at which a node begins to do without something; each has those before it, too. */
export const DEGRADATION_STEPS = {
  /** Rules with `mode: copy` copy nothing. */
  noCopies: 1,
  /** What is of low priority is sampled as GivenUp says. */
  lowIsSampled: 2,
  /** And refused. */
  lowIsRefused: 3,
  /** All is refused that is not protected. */
  onlyProtected: 4,
  /** All is, before its body is read. */
  nothing: 5,
} as const;
