import type { RandomnessCounts } from "./randomness-counts.ts";

/** Randomness of some of the spans that a kernel has read last. */
interface NotedRandomness {
  readonly notes: number;
  /** The upper 24 bits of one of them. */
  noteHi(note: number): number;
  /** And the lower 32. */
  noteLo(note: number): number;
}

/** A span that came as its sender made it. */
const seen = { arrival: 1, random: { hi: 0, lo: 0 } };

/** Counts it, as that of spans of this service. */
export function countNoted(
  noted: NotedRandomness,
  service: string,
  counts: Pick<RandomnessCounts, "add"> | undefined,
): void {
  for (let note = 0; note < noted.notes; note++) countNote(noted, note, service, counts);
}

/** One of them. */
export function countNote(
  noted: NotedRandomness,
  note: number,
  service: string,
  counts: Pick<RandomnessCounts, "add"> | undefined,
): void {
  seen.random.hi = noted.noteHi(note);
  seen.random.lo = noted.noteLo(note);
  counts?.add(service, seen);
}
