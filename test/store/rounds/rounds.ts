import type { Entry } from "../../../src/store/store.ts";
import { checkHistory, type History, type StoredWrite, type Violation } from "../history-checker.ts";
import { ELECTION, type Fault, LOCK, writesPrefix, type WriteText } from "./candidate-protocol.ts";
import type { Disruption } from "./disruption.ts";
import { Stage, type StageOptions } from "./stage.ts";

export interface RoundsOptions extends Pick<StageOptions, "settings" | "prefix" | "ttlMs" | "patienceMs"> {
  /** What is done to candidates in turn: to each of so many another, at the same time. */
  readonly waves: readonly (readonly Disruption[])[];
  /** At least so many, and each wave once. */
  readonly rounds: number;
  /**
   * Elections at the same time, of which each other one is a lock: a process that is disrupted is a
   * round of each that it leads.
   */
  readonly elections: number;
  /** By the number of an election. */
  readonly faults?: Readonly<Record<number, Fault>>;
  readonly onWave?: (counts: Counts) => void;
}

export interface Counts {
  readonly waves: number;
  /** Leaders that were disrupted, by what was done to them. */
  readonly rounds: Readonly<Record<string, number>>;
}

export interface RoundsReport extends Counts {
  readonly history: History;
  readonly violations: readonly Violation[];
}

/** Of a list of all that was written in hundreds of rounds. */
const LIST_MS = 60_000;

export function scopeName(election: number): string {
  return `${election % 2 === 0 ? ELECTION : LOCK}${election}`;
}

/**
 * Rounds of five candidates: whoever leads most is disrupted until the store has ended its sessions
 * and others lead; then it comes back. What comes of it is for the checker.
 */
export async function runRounds(options: RoundsOptions): Promise<RoundsReport> {
  const scopes = Array.from({ length: options.elections }, (_, at) => scopeName(at));
  const faults = Object.fromEntries(
    Object.entries(options.faults ?? {}).map(([at, fault]) => [scopeName(Number(at)), fault]),
  );
  await using stage = await Stage.open({ ...options, scopes, faults });
  const rounds: Record<string, number> = {};
  let waves = 0;
  while (waves < options.waves.length || sum(rounds) < options.rounds) {
    await runWave(stage, scopes, options.waves[waves % options.waves.length] ?? [], rounds);
    waves++;
    options.onWave?.({ waves, rounds });
  }
  await stage.untilAllStand();
  await stage.end();
  const writes = await readWrites(stage, options.prefix);
  const { told, seats, store } = stage;
  const history: History = { isFair: store.facts.isFair, told, writes, queue: seats.history };
  return { waves, rounds, history, violations: checkHistory(history) };
}

async function runWave(
  stage: Stage,
  scopes: readonly string[],
  disruptions: readonly Disruption[],
  rounds: Record<string, number>,
): Promise<void> {
  await stage.untilAllStand();
  const led = Map.groupBy(scopes, (scope) => stage.seats.leader(scope)?.holder);
  const victims = stage.ids
    .toSorted((a, b) => (led.get(b)?.length ?? 0) - (led.get(a)?.length ?? 0))
    .slice(0, disruptions.length)
    .map((id, at) => ({ id, how: disruptions[at] ?? "kill" }));
  for (const { id, how } of victims) {
    rounds[how] = (rounds[how] ?? 0) + (led.get(id)?.length ?? 0);
    stage.disrupt(id, how);
  }
  await stage.untilReplaced(victims.map(({ id }) => id));
  await Promise.all(victims.map(({ id, how }) => stage.mend(id, how)));
}

async function readWrites(stage: Stage, prefix: string): Promise<StoredWrite[]> {
  const never = new AbortController().signal;
  const { entries } = await stage.store.list(writesPrefix(prefix), { signal: never, deadlineMs: LIST_MS });
  return entries.map((entry) => writeOf(entry, writesPrefix(prefix)));
}

function writeOf({ key, value, modified }: Entry, prefix: string): StoredWrite {
  const { by, epoch } = JSON.parse(Buffer.from(value).toString()) as WriteText;
  const scope = key.slice(prefix.length).split("/", 1)[0] ?? "";
  return { scope, key, by, epoch: BigInt(epoch), revision: modified };
}

function sum(rounds: Readonly<Record<string, number>>): number {
  return Object.values(rounds).reduce((total, one) => total + one, 0);
}
