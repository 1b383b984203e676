import { listElections, listLocks } from "../../store/recipes/lock-list.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import type { DoctorFinding, Patient } from "./doctor-finding.ts";

/** Times of others that are so far ahead are not only late by the way. */
const AHEAD_MS = 1_000;

interface WrittenTime {
  readonly by: string;
  readonly atMs: number;
}

/**
 * Whether others wrote times that are still to come: by so much at least their clock is ahead of
 * this one. Leases do not depend on it; times in logs, histories and lists do.
 */
export async function checkClock(patient: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  const nowMs = patient.clock.wallMs();
  const stamps = await readStamps(patient, signal);
  const ahead = stamps.filter(({ atMs }) => atMs - nowMs > AHEAD_MS).toSorted((a, b) => b.atMs - a.atMs);
  const [most] = ahead;
  if (most === undefined) {
    const message = `${stamps.length} times that others wrote: none is ahead of this clock; leases do not depend on it`;
    return [{ check: "clock", status: "ok", message }];
  }
  return [
    {
      check: "clock",
      status: "warning",
      message: `${most.by} wrote a time that is ${((most.atMs - nowMs) / 1_000).toFixed(1)} s ahead of this machine's clock`,
      hint: "let both follow the same time servers (chronyc tracking, timedatectl)",
    },
  ];
}

async function readStamps(patient: Patient, signal: AbortSignal): Promise<WrittenTime[]> {
  const { members } = await createRegistry(patient).list({ signal });
  const pages = [await listLocks(patient, { signal }), await listElections(patient, { signal })];
  const seats = pages.flatMap(({ seats: some }) => some);
  return [
    ...members.map(({ id, registeredAtMs }) => ({ by: id, atMs: registeredAtMs })),
    ...seats.flatMap(({ holder, sinceMs }) =>
      holder === undefined || sinceMs === undefined ? [] : [{ by: holder, atMs: sinceMs }],
    ),
  ];
}
