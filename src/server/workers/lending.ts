/** One worker's part of a limit, as the main process knows it. */
export interface Claim {
  /** What it was told that it may use. */
  readonly part: number;
  /** The most that it may be using: more than its part until it has said that it uses less. */
  readonly held: number;
  /** What it would use if it had it. */
  readonly need: number;
  /** The message that told its part; what it said before it had that is of no use. */
  readonly toldSeq: number;
}

/** A limit of the node; claims by worker, undefined where no process runs. */
export interface LentLimit {
  readonly whole: number;
  readonly claims: readonly (Claim | undefined)[];
  /** Counts up where there is less than one for each who wants some, so that all get theirs. */
  readonly turn: number;
}

/** What a worker says of its part. */
export interface ClaimReport {
  /** Of the last message with parts that it had. */
  readonly seq: number;
  /** The larger one of its part and of what it uses. */
  readonly has: number;
  readonly need: number;
}

/** What each has as long as nothing is lent; the first get what cannot be divided. */
export function equalPart(whole: number, index: number, of: number): number {
  return Math.floor(whole / of) + (index < whole % of ? 1 : 0);
}

/**
 * Nobody is given what another may still be using: who is to give is told so first, and what it
 * gives is lent when it has said that it uses less. Pure; the same claim where nothing changed.
 */
export function lend(limit: LentLimit): LentLimit {
  const fair = fairParts(limit);
  const claims = limit.claims.map((claim, i) =>
    claim && fair[i]! < claim.part ? { ...claim, part: fair[i]! } : claim,
  );
  let room = limit.whole - sumOf(claims.map((claim) => claim?.held ?? 0));
  const byPart = [...claims.keys()].toSorted((a, b) => (claims[a]?.part ?? 0) - (claims[b]?.part ?? 0));
  for (const i of byPart) {
    const claim = claims[i];
    if (claim === undefined || fair[i]! <= claim.part) continue;
    const part = Math.min(fair[i]!, claim.held + room);
    if (part <= claim.part) continue;
    const held = Math.max(claim.held, part);
    room -= held - claim.held;
    claims[i] = { ...claim, part, held };
  }
  return { ...limit, claims };
}

/** What a worker said, taken note of. */
export function noteReport(claim: Claim, { seq, has, need }: ClaimReport): Claim {
  const held = seq >= claim.toldSeq ? Math.max(claim.part, has) : Math.max(claim.held, has);
  return { ...claim, held, need };
}

/** Somebody wants some, and is to have nothing in this turn. */
export function isStarved(limit: LentLimit): boolean {
  const fair = fairParts(limit);
  return limit.whole > 0 && limit.claims.some((claim, i) => claim !== undefined && claim.need > 0 && fair[i] === 0);
}

/** The next turn, when everybody has what this one gives. */
export function nextTurn(limit: LentLimit): LentLimit {
  const fair = fairParts(limit);
  const isServed = limit.claims.every((claim, i) => !claim || (claim.part === fair[i] && claim.held === claim.part));
  return isServed && isStarved(limit) ? { ...limit, turn: limit.turn + limit.whole } : limit;
}

/**
 * All that is needed as far as it goes, divided by who wants least first; and of what is left, each
 * keeps what it had: parts that nobody else wants stay where they are.
 */
function fairParts({ whole, claims, turn }: LentLimit): number[] {
  const needed = fillEvenly(
    whole,
    claims.map((claim) => claim?.need ?? 0),
    turn,
  );
  const kept = fillEvenly(
    whole - sumOf(needed),
    claims.map((claim, i) => Math.max(0, (claim?.part ?? 0) - needed[i]!)),
    0,
  );
  return needed.map((part, i) => part + kept[i]!);
}

/**
 * Divides a total so that nobody has more than it wants, and nobody who has less than it wants has
 * less than another, but for one; whose that one is goes by turn.
 */
function fillEvenly(total: number, wants: readonly number[], turn: number): number[] {
  const parts = wants.map(() => 0);
  const order = [...wants.keys()].filter((i) => wants[i]! > 0).toSorted((a, b) => wants[a]! - wants[b]!);
  let rest = total;
  for (const [at, index] of order.entries()) {
    const left = order.length - at;
    const equal = Math.floor(rest / left);
    if (wants[index]! > equal) {
      const others = order.slice(at).toSorted((a, b) => a - b);
      const over = rest - equal * left;
      for (const [k, other] of others.entries()) parts[other] = equal + (isTurn(k, turn, left, over) ? 1 : 0);
      return parts;
    }
    parts[index] = wants[index]!;
    rest -= wants[index]!;
  }
  return parts;
}

function isTurn(k: number, turn: number, of: number, count: number): boolean {
  return (((k - turn) % of) + of) % of < count;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
