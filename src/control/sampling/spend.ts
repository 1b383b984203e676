import { z } from "zod";

const HOUR_MS = 3_600_000;
/** Shares of the budget that are told when they are spent. */
const SPEND_MARKS = [0.5, 0.8, 0.95, 1] as const;
/** The pace is at most so many times the plain one, so that nothing late is made up in a rush. */
const MOST_PACE = 2;
/** What is left is spread over no less: the last reports of an hour come late. */
const SHORTEST_MS = 5_000;
/** What is expected of somebody silent: no more than while a directive may hold. */
const UNSEEN_MS = 300_000;
/** A forecast is told when it is farther above the budget. */
const FORECAST_MARGIN = 1.02;

/** What a reporter has been charged so far: it only grows while `since` is the same. */
interface SpendCount {
  /** Which run of which reporter it is. */
  readonly since: string;
  readonly charged: number;
  /** How long it has been counted. */
  readonly forMs: number;
}

const quantity = z.number().min(0);

/**
 * What has been spent in one hour of UTC. Plain data: a leader writes it down, and the next one
 * goes on with it. It says what was charged by whom, so that nothing is charged twice.
 */
export const SpendRecordSchema = z.object({
  /** Since 1970. */
  hour: z.int().min(0),
  spent: quantity,
  /** The highest mark that was told. */
  told: quantity.default(0),
  isForecastTold: z.boolean().default(false),
  counters: z
    .record(z.string(), z.object({ since: z.string(), charged: quantity, atWallMs: quantity, perSecond: quantity }))
    .default({}),
});
export type SpendRecord = Readonly<z.output<typeof SpendRecordSchema>>;

export function spendFrom(wallMs: number): SpendRecord {
  return { hour: hourOf(wallMs), spent: 0, told: 0, isForecastTold: false, counters: {} };
}

/** A new hour begins with nothing spent. */
export function spendAt(record: SpendRecord, wallMs: number): SpendRecord {
  const hour = hourOf(wallMs);
  // The clock of another leader may be behind at the turn of the hour.
  if (hour === record.hour || hour === record.hour - 1) return record;
  return { ...spendFrom(wallMs), counters: record.counters };
}

/** What came since the last count is spread evenly over the time between. */
export function chargeSpend(before: SpendRecord, reporter: string, count: SpendCount, wallMs: number): SpendRecord {
  const record = spendAt(before, wallMs);
  const last = record.counters[reporter];
  const isSame = last?.since === count.since;
  const charged = isSame ? Math.max(0, count.charged - last.charged) : count.charged;
  // Another run began to count no earlier than the last count of the one before.
  const beganMs = Math.max(wallMs - count.forMs, last?.atWallMs ?? Number.NEGATIVE_INFINITY);
  const overMs = Math.max(0, wallMs - (isSame ? last.atWallMs : beganMs));
  const hereMs = Math.min(overMs, Math.max(0, wallMs - record.hour * HOUR_MS));
  const counter: SpendRecord["counters"][string] = {
    since: count.since,
    // A late one says less than what is known.
    charged: isSame ? Math.max(last.charged, count.charged) : count.charged,
    atWallMs: wallMs,
    perSecond: overMs > 0 ? (charged / overMs) * 1_000 : (last?.perSecond ?? 0),
  };
  const here = overMs > 0 ? (charged * hereMs) / overMs : charged;
  return { ...record, spent: record.spent + here, counters: { ...record.counters, [reporter]: counter } };
}

/** Who has left for good is forgotten; what it spent is not. */
export function forgetSpender(record: SpendRecord, reporter: string): SpendRecord {
  const { [reporter]: _, ...counters } = record.counters;
  return { ...record, counters };
}

/** What has been spent by now, with what nobody has reported yet. */
export function expectedSpend(record: SpendRecord, wallMs: number): number {
  const begunMs = record.hour * HOUR_MS;
  let unseen = 0;
  for (const { atWallMs, perSecond } of Object.values(record.counters)) {
    // What of it was in an earlier hour is none of this one's.
    const untilMs = Math.min(wallMs, atWallMs + UNSEEN_MS);
    unseen += (perSecond * Math.max(0, untilMs - Math.max(atWallMs, begunMs))) / 1_000;
  }
  return record.spent + unseen;
}

/** What is spent a second, by all who are not silent for longer than that is expected of them. */
export function spentPerSecond({ counters }: SpendRecord, wallMs: number): number {
  const heard = Object.values(counters).filter(({ atWallMs }) => wallMs - atWallMs < UNSEEN_MS);
  return heard.reduce((sum, { perSecond }) => sum + perSecond, 0);
}

/** What is left, a second, over the rest of the hour. */
export function paceOf(before: SpendRecord, budgetPerHour: number, wallMs: number): number {
  const record = spendAt(before, wallMs);
  const left = Math.max(0, budgetPerHour - expectedSpend(record, wallMs));
  const plain = budgetPerHour / (HOUR_MS / 1_000);
  return Math.min(MOST_PACE * plain, (left * 1_000) / Math.max(SHORTEST_MS, leftMs(record, wallMs)));
}

/** What there is to tell of an hour, each at most once. */
export type SpendNews =
  | { readonly kind: "spent"; readonly share: (typeof SPEND_MARKS)[number] }
  /** More than the budget will have been spent at its end, whatever is sampled. */
  | { readonly kind: "forecast"; readonly expected: number };

interface SpendTold {
  readonly record: SpendRecord;
  readonly news: readonly SpendNews[];
}

/** `perSecond`: what is going to be spent, at the rates that are decided. */
export function tellSpend(before: SpendRecord, budgetPerHour: number, perSecond: number, wallMs: number): SpendTold {
  const record = spendAt(before, wallMs);
  const marks = SPEND_MARKS.filter((mark) => mark > record.told && record.spent >= mark * budgetPerHour);
  const news: SpendNews[] = marks.map((share) => ({ kind: "spent", share }));
  const expected = expectedSpend(record, wallMs) + (perSecond * leftMs(record, wallMs)) / 1_000;
  const isOver = !record.isForecastTold && expected > FORECAST_MARGIN * budgetPerHour;
  if (isOver) news.push({ kind: "forecast", expected });
  const told = marks.at(-1) ?? record.told;
  return { record: { ...record, told, isForecastTold: record.isForecastTold || isOver }, news };
}

function leftMs({ hour }: SpendRecord, wallMs: number): number {
  return Math.max(0, (hour + 1) * HOUR_MS - wallMs);
}

function hourOf(wallMs: number): number {
  return Math.floor(wallMs / HOUR_MS);
}
