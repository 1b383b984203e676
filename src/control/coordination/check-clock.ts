import { decodeEntryOf, configKeys } from "../../store/recipes/config-record.ts";
import { listElections, listLocks } from "../../store/recipes/lock-list.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import type { TimeDifference } from "../../store/server-time.ts";
import type { Revision } from "../../store/store.ts";
import type { DoctorFinding, Patient } from "./doctor-finding.ts";

/** Times of others that are so far ahead are not only late by the way. */
const AHEAD_MS = 1_000;
/** A change of the config is tried again for so long with the time at which it began. */
const BEHIND_MS = 10_000;

interface WrittenTime {
  readonly by: string;
  readonly atMs: number;
  /** At which it was there already; undefined: it is not known. */
  readonly revision?: Revision;
  /** Whether it was written right then: others may be written again with the time that they had. */
  readonly isOfThen?: boolean;
}

/**
 * What can be known of clocks: how far the one of the store's server is from this one, where it
 * tells its time; who wrote times that are still to come; and who changed the config at a time
 * before one that was there already. Leases do not depend on any of it; times in logs, histories
 * and lists do.
 */
export async function checkClock(
  patient: Patient,
  ofServer: TimeDifference | undefined,
  signal: AbortSignal,
): Promise<DoctorFinding[]> {
  const nowMs = patient.clock.wallMs();
  const times = await readTimes(patient, signal);
  const messages = [apartFrom(ofServer), ahead(times, nowMs), behind(times)].filter((one) => one !== undefined);
  if (messages.length > 0)
    return messages.map((message) => ({ check: "clock", status: "warning", message, hint: HINT }));
  const server = ofServer === undefined ? "" : "the store's server has this machine's time; ";
  const others = `of ${times.length} times that others wrote none is ahead of it, nor behind an older one`;
  return [{ check: "clock", status: "ok", message: `${server}${others}; leases do not depend on it` }];
}

const HINT =
  "let all follow the same time servers (chronyc tracking, timedatectl); doctor on each machine compares its own clock";

function apartFrom(ofServer: TimeDifference | undefined): string | undefined {
  if (ofServer === undefined) return undefined;
  const { leastMs, mostMs } = ofServer;
  if (leastMs > AHEAD_MS)
    return `this machine's clock is ${seconds(leastMs)} or more behind that of the store's server`;
  if (mostMs < -AHEAD_MS)
    return `this machine's clock is ${seconds(-mostMs)} or more ahead of that of the store's server`;
  return undefined;
}

function ahead(times: readonly WrittenTime[], nowMs: number): string | undefined {
  const most = latest(times);
  if (most === undefined || most.atMs - nowMs <= AHEAD_MS) return undefined;
  return `${most.by} wrote a time that is ${seconds(most.atMs - nowMs)} ahead of this machine's clock`;
}

/** The one that is furthest behind what was there before it. */
function behind(times: readonly WrittenTime[]): string | undefined {
  let before: WrittenTime | undefined;
  let worst: { readonly by: WrittenTime; readonly than: WrittenTime; readonly ms: number } | undefined;
  for (const time of inOrder(times)) {
    const ms = before === undefined ? 0 : before.atMs - time.atMs;
    if (before !== undefined && time.isOfThen === true && ms > (worst?.ms ?? BEHIND_MS))
      worst = { by: time, than: before, ms };
    before = before === undefined || time.atMs > before.atMs ? time : before;
  }
  if (worst === undefined) return undefined;
  return `${worst.by.by} changed the config at a time ${seconds(worst.ms)} before one that ${worst.than.by} had written already: one of their clocks is wrong`;
}

function latest(times: readonly WrittenTime[]): WrittenTime | undefined {
  return times.toSorted((a, b) => b.atMs - a.atMs)[0];
}

function inOrder(times: readonly WrittenTime[]): WrittenTime[] {
  const placed = times.flatMap((time) => (time.revision === undefined ? [] : [{ ...time, revision: time.revision }]));
  return placed.toSorted((a, b) => (a.revision < b.revision ? -1 : 1));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

async function readTimes(patient: Patient, signal: AbortSignal): Promise<WrittenTime[]> {
  const { members } = await createRegistry(patient).list({ signal });
  const pages = [await listLocks(patient, { signal }), await listElections(patient, { signal })];
  const seats = pages.flatMap(({ seats: some }) => some);
  const { entries } = await patient.store.list(configKeys(patient.prefix).entries, { signal });
  return [
    ...members.map(({ id, registeredAtMs, created }) => ({ by: id, atMs: registeredAtMs, revision: created })),
    ...seats.flatMap(({ holder, sinceMs }) =>
      holder === undefined || sinceMs === undefined ? [] : [{ by: holder, atMs: sinceMs }],
    ),
    ...entries.flatMap(({ value, modified }) => {
      const read = decodeEntryOf(value);
      if (!read.ok) return [];
      return [{ by: read.value.by || "somebody", atMs: read.value.atMs, revision: modified, isOfThen: true }];
    }),
  ];
}
