import type { Revision } from "../store.ts";

/**
 * The fencing token of whoever leads or holds something, in one scope: the fleet's generation, and
 * the store's revision at which it came to be. A store that was wiped begins its revisions again;
 * then people raise the generation. Nothing but `compareEpochs` compares two.
 */
export interface Epoch {
  readonly generation: number;
  readonly revision: Revision;
}

/** Negative: `a` is older; positive: newer; 0: the same. Only epochs of one scope compare. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  if (a.generation !== b.generation) return a.generation - b.generation;
  return a.revision === b.revision ? 0 : a.revision < b.revision ? -1 : 1;
}

/** As files, the store and people have it: `2.4711`. */
export function formatEpoch({ generation, revision }: Epoch): string {
  return `${generation}.${revision}`;
}

/** Undefined for what is no epoch. */
export function parseEpoch(text: string): Epoch | undefined {
  const found = EPOCH.exec(text);
  if (found === null) return undefined;
  const [, generation = "", revision = ""] = found;
  return { generation: Number(generation), revision: BigInt(revision) };
}

/** A generation below 2^31, a revision below 2^63. */
const EPOCH = /^(?<generation>[1-9]\d{0,8})\.(?<revision>0|[1-9]\d{0,17})$/u;
