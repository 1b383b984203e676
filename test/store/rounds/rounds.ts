import type { Entry } from "../../../src/store/store.ts";
import { checkHistory, type History, type ObservedSeat, type StoredWrite, type Violation } from "../history-checker.ts";
import type { Arena } from "./arena.ts";
import { ELECTION, type Fault, LOCK, writesPrefix, type WriteText } from "./candidate-protocol.ts";
import type { Wave } from "./disruption.ts";
import { Stage, type StageOptions } from "./stage.ts";

export interface RoundsOptions
  extends Pick<StageOptions, "settings" | "prefix" | "ttlMs" | "patienceMs">,
    Pick<Arena, "waves" | "killMember"> {
  /** At least so many, each wave once, and one of each kind of the first wave. */
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
  /**
   * By what was done to a leader. A round is one leader of one lock or election that was disrupted
   * after it had written, and stayed so until the store had ended its session and another led with
   * a greater epoch, and had written. Who only waited while it was disrupted is none.
   */
  readonly rounds: Readonly<Record<string, number>>;
  /** Which of the five led anything when they were disrupted. */
  readonly candidates: ReadonlySet<string>;
  /** Members of the store that were killed meanwhile, and started again. */
  readonly members: Readonly<Record<string, number>>;
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
  const counts = { waves: 0, rounds: {}, candidates: new Set<string>(), members: {} };
  while (isLacking(counts, options)) {
    const wave = options.waves[counts.waves % options.waves.length];
    if (wave === undefined) throw new Error("there is no wave");
    await runWave(stage, { ...options, scopes }, wave, counts);
    counts.waves++;
    options.onWave?.(counts);
  }
  await stage.untilAllStand();
  await stage.end();
  const writes = await readWrites(stage, options.prefix);
  const { told, seats, store } = stage;
  const history: History = { isFair: store.facts.isFair, told, writes, queue: seats.history };
  return { ...counts, history, violations: checkHistory(history) };
}

function isLacking(counts: Counts, { waves, rounds }: RoundsOptions): boolean {
  const kinds = waves[0]?.candidates ?? [];
  const isShort = counts.waves < waves.length || roundsIn(counts) < rounds;
  return isShort || kinds.some((how) => (counts.rounds[how] ?? 0) === 0);
}

export function roundsIn({ rounds }: Pick<Counts, "rounds">): number {
  return Object.values(rounds).reduce((total, one) => total + one, 0);
}

export function inWords(counts: Counts): string {
  const { waves, rounds, candidates, members } = counts;
  const lost = Object.entries(members).map(([role, count]) => `, ${role} of the store killed ${count}`);
  const from = `by what befell ${candidates.size} of five leading processes`;
  return `${waves} waves, ${roundsIn(counts)} rounds ${from}: ${listed(rounds)}${lost.join("")}`;
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(", ");
}

interface Tally {
  readonly rounds: Record<string, number>;
  readonly candidates: Set<string>;
  readonly members: Record<string, number>;
}

async function runWave(
  stage: Stage,
  { scopes, killMember }: { readonly scopes: readonly string[] } & Pick<RoundsOptions, "killMember">,
  { candidates, member }: Wave,
  tally: Tally,
): Promise<void> {
  await stage.untilAllStand();
  const startAgain = member === undefined ? undefined : await killMember?.(member);
  const seats = new Map(scopes.map((scope) => [scope, stage.seats.leader(scope)]));
  const ledBy = (id: string): string[] => scopes.filter((scope) => seats.get(scope)?.holder === id);
  const victims = stage.ids
    .map((id) => ({ id, led: ledBy(id) }))
    .toSorted((a, b) => b.led.length - a.led.length)
    .slice(0, candidates.length)
    .map((victim, at) => ({ ...victim, how: candidates[at] ?? "kill" }));
  const mends = victims.map(({ id, how }) => stage.disrupt(id, how));
  await stage.untilReplaced(victims.map(({ id }) => id));
  for (const { id, led, how } of victims) {
    const ended = led.filter((scope) => isNewer(stage.seats.leader(scope), seats.get(scope)));
    add(tally.rounds, how, ended.length);
    if (ended.length > 0) tally.candidates.add(id.split(".", 1)[0] ?? id);
  }
  if (startAgain !== undefined && member !== undefined) add(tally.members, member, 1);
  await Promise.all([...mends.map((mend) => mend()), startAgain?.()]);
}

function isNewer(seat: ObservedSeat | undefined, before: ObservedSeat | undefined): boolean {
  return seat !== undefined && before !== undefined && seat.created > before.created;
}

function add(counts: Record<string, number>, name: string, count: number): void {
  counts[name] = (counts[name] ?? 0) + count;
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
