import type { TargetPlan } from "../../plan/plan.ts";

/** A part as it is wanted. */
export interface WantedPart {
  /** Which one; undefined: what is dialled, or stands there, while none is known. */
  readonly part: string | undefined;
  /** Of a member of the fleet: where it is reached. */
  readonly place?: string | undefined;
  /** And what it says of its load: the share that is in use. */
  readonly utilization?: number | undefined;
}

/** Finds the parts of a target, and tells of other ones until it is closed. */
export interface PartFinder {
  /** What is known from the beginning: at least one. */
  readonly first: readonly WantedPart[];
  /** For people: what is used, and what is not. */
  readonly known: number;
  adopt(plan: TargetPlan): void;
  close(): void;
}

/** Is never called while the finder is made. */
export type TellParts = (wanted: readonly WantedPart[]) => void;

/** The name itself, or nobody. */
export const NO_PART: readonly WantedPart[] = [{ part: undefined }];
