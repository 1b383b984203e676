/**
 * Says what was not safe in a history of elections: from what the candidates told while it went on,
 * and from what the store has. It trusts no clock but the machine's own, which all processes share,
 * and no order but the store's revisions. It knows nothing of how an election is done.
 */

/** Told by a candidate, at a time of the machine's monotonic clock, in nanoseconds. */
export type Told =
  /** After it was told that it leads. */
  | {
      readonly kind: "elected";
      readonly scope: string;
      readonly by: string;
      readonly epoch: bigint;
      readonly at: bigint;
    }
  /** `at` was read before the clock of the lease, which still left time. */
  | {
      readonly kind: "believes";
      readonly scope: string;
      readonly by: string;
      readonly epoch: bigint;
      readonly at: bigint;
    }
  /** It was told that its write was done. */
  | {
      readonly kind: "wrote";
      readonly scope: string;
      readonly by: string;
      readonly key: string;
      readonly revision: bigint;
    }
  /** It was told that nothing was written, because it does not lead. */
  | { readonly kind: "refused"; readonly scope: string; readonly by: string; readonly key: string };

/** A write that stands in the store at the end; each has a key of its own. */
export interface StoredWrite {
  readonly scope: string;
  readonly key: string;
  readonly by: string;
  /** What the writer took for its epoch. */
  readonly epoch: bigint;
  readonly revision: bigint;
}

/** What a watch told of the keys of an election: the state at `revision`. */
export interface QueueState {
  readonly scope: string;
  readonly revision: bigint;
  readonly seats: readonly ObservedSeat[];
}

export interface ObservedSeat {
  readonly created: bigint;
  readonly modified: bigint;
  readonly holder: string;
  readonly isLeading: boolean;
}

export interface History {
  /** Whether candidates are promised to lead in the order in which they came. */
  readonly isFair: boolean;
  readonly told: readonly Told[];
  readonly writes: readonly StoredWrite[];
  /** In the order in which they were told, all scopes mixed. */
  readonly queue: readonly QueueState[];
}

export const VIOLATIONS = [
  "epoch_fell",
  "epoch_reused",
  "epoch_not_given",
  "leader_is_older",
  "queue_jumped",
  "two_believe",
  "lost_write",
  "undead_write",
] as const;
export type ViolationKind = (typeof VIOLATIONS)[number];

export interface Violation {
  readonly kind: ViolationKind;
  readonly scope: string;
  readonly message: string;
}

/** None: it was safe. */
export function checkHistory(history: History): Violation[] {
  return [
    ...writesThatFell(history),
    ...reusedEpochs(history),
    ...inventedEpochs(history),
    ...olderLeaders(history),
    ...(history.isFair ? jumps(history) : []),
    ...sharedBeliefs(history),
    ...wrongOutcomes(history),
  ];
}

/** In the store's order, the epochs of what was written never fall. */
function writesThatFell({ writes }: History): Violation[] {
  return perScope(writes).flatMap(([scope, its]) => {
    const inOrder = its.toSorted((a, b) => compare(a.revision, b.revision));
    return inOrder.flatMap((write, at): Violation[] => {
      const before = inOrder[at - 1];
      if (before === undefined || before.epoch <= write.epoch) return [];
      const message = `${tell(write)} came after ${tell(before)}`;
      return [{ kind: "epoch_fell", scope, message }];
    });
  });
}

/** An epoch is one leadership's: nobody else was elected with it, or writes with it. */
function reusedEpochs({ told, writes }: History): Violation[] {
  const elections = told.filter((one) => one.kind === "elected");
  return perScope(elections).flatMap(([scope, its]) => {
    const seen = new Map<bigint, string>();
    const again = its.flatMap(({ epoch, by }): Violation[] => {
      const other = seen.get(epoch);
      seen.set(epoch, by);
      if (other === undefined) return [];
      return [{ kind: "epoch_reused", scope, message: `${by} was elected with ${epoch} after ${other}` }];
    });
    const others = writes.flatMap((write): Violation[] => {
      const owner = write.scope === scope ? seen.get(write.epoch) : undefined;
      if (owner === undefined || owner === write.by) return [];
      return [{ kind: "epoch_reused", scope, message: `${tell(write)} has the epoch of ${owner}` }];
    });
    return [...again, ...others];
  });
}

/** An epoch is the store's: a key of the election came to be at that revision. */
function inventedEpochs({ told, queue, isFair }: History): Violation[] {
  // Without history a watch may have missed a key that was there for a moment.
  if (!isFair) return [];
  const given = new Map(perScope(queue).map(([scope, states]) => [scope, createdIn(states)]));
  return told.flatMap((one): Violation[] => {
    if (one.kind !== "elected" || given.get(one.scope)?.has(one.epoch) === true) return [];
    const message = `${one.by} was elected with ${one.epoch}, at which no key of the election came to be`;
    return [{ kind: "epoch_not_given", scope: one.scope, message }];
  });
}

function createdIn(states: readonly QueueState[]): Set<bigint> {
  return new Set(states.flatMap(({ seats }) => seats.map(({ created }) => created)));
}

/** Whoever comes to lead later has a greater epoch than all who led. */
function olderLeaders({ queue }: History): Violation[] {
  return perScope(queue).flatMap(([scope, states]) => {
    const leaders = firstSigns(states);
    return leaders.flatMap((leader, at): Violation[] => {
      const before = leaders[at - 1];
      if (before === undefined || before.created < leader.created) return [];
      const message = `${leader.holder} led with ${leader.created} after ${before.holder} with ${before.created}`;
      return [{ kind: "leader_is_older", scope, message }];
    });
  });
}

/** Where each leader was first seen as one, in the order of the revisions at which it said so. */
function firstSigns(states: readonly QueueState[]): ObservedSeat[] {
  const first = new Map<bigint, ObservedSeat>();
  for (const { seats } of states) {
    for (const seat of seats) if (seat.isLeading && !first.has(seat.created)) first.set(seat.created, seat);
  }
  return [...first.values()].toSorted((a, b) => compare(a.modified, b.modified));
}

/** Nobody leads while somebody is there who came before. */
function jumps({ queue }: History): Violation[] {
  return queue.flatMap(({ scope, seats, revision }): Violation[] => {
    const [first, ...others] = seats.toSorted((a, b) => compare(a.created, b.created));
    return others
      .filter(({ isLeading }) => isLeading)
      .map(({ holder }) => {
        const message = `at ${revision} ${holder} leads, and ${first?.holder} was there before`;
        return { kind: "queue_jumped", scope, message };
      });
  });
}

/** Once one knows that it leads, none of those before it has time left on its lease. */
function sharedBeliefs({ told }: History): Violation[] {
  const elections = told.filter((one) => one.kind === "elected");
  const beliefs = told.filter((one) => one.kind === "believes");
  return perScope(beliefs).flatMap(([scope, its]) => {
    const next = elections.filter((one) => one.scope === scope);
    return its.flatMap((belief): Violation[] => {
      const newer = next.find(({ epoch, at }) => epoch > belief.epoch && at < belief.at);
      if (newer === undefined) return [];
      const message = `${belief.by} believed in ${belief.epoch} when ${newer.by} had ${newer.epoch}`;
      return [{ kind: "two_believe", scope, message }];
    });
  });
}

/** What was told as done is there at its revision; what was told as refused is not. */
function wrongOutcomes({ told, writes }: History): Violation[] {
  const stored = new Map(writes.map((write) => [write.key, write]));
  return told.flatMap((one): Violation[] => {
    if (one.kind !== "wrote" && one.kind !== "refused") return [];
    const there = stored.get(one.key);
    if (one.kind === "refused") {
      if (there === undefined) return [];
      return [
        { kind: "undead_write", scope: one.scope, message: `${one.key} was refused, and ${tell(there)} is there` },
      ];
    }
    if (there?.revision === one.revision) return [];
    return [
      { kind: "lost_write", scope: one.scope, message: `${one.key} was done at ${one.revision}, and is not there` },
    ];
  });
}

function perScope<T extends { readonly scope: string }>(items: readonly T[]): [string, T[]][] {
  return [...Map.groupBy(items, ({ scope }) => scope)];
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

function tell({ by, epoch, revision, key }: StoredWrite): string {
  return `${by}'s ${key} with epoch ${epoch} at ${revision}`;
}
