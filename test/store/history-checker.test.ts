import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkHistory,
  type History,
  type ObservedSeat,
  type StoredWrite,
  type Told,
  VIOLATIONS,
} from "./history-checker.ts";

const SCOPE = "e0";

function seat(holder: string, created: bigint, more: Partial<ObservedSeat> = {}): ObservedSeat {
  return { holder, created, modified: created, isLeading: false, ...more };
}

function elected(by: string, epoch: bigint, at: bigint): Told {
  return { kind: "elected", scope: SCOPE, by, epoch, at };
}

function believes(by: string, epoch: bigint, at: bigint): Told {
  return { kind: "believes", scope: SCOPE, by, epoch, at };
}

function wrote(by: string, revision: bigint): Told {
  return { kind: "wrote", scope: SCOPE, by, key: `${by}-${revision}`, revision };
}

function stored(by: string, epoch: bigint, revision: bigint): StoredWrite {
  return { scope: SCOPE, key: `${by}-${revision}`, by, epoch, revision };
}

/** a leads from 10, b waits from 20 and leads once a is gone, c waits from 25. */
const SAFE: History = {
  isFair: true,
  told: [
    elected("a", 10n, 100n),
    believes("a", 10n, 110n),
    wrote("a", 30n),
    elected("b", 20n, 200n),
    believes("b", 20n, 210n),
    { kind: "refused", scope: SCOPE, by: "a", key: "a-refused" },
    wrote("b", 45n),
  ],
  writes: [stored("b", 20n, 45n), stored("a", 10n, 30n)],
  queue: [
    { scope: SCOPE, revision: 11n, seats: [seat("a", 10n, { isLeading: true, modified: 11n })] },
    {
      scope: SCOPE,
      revision: 25n,
      seats: [seat("a", 10n, { isLeading: true, modified: 11n }), seat("b", 20n), seat("c", 25n)],
    },
    { scope: SCOPE, revision: 41n, seats: [seat("b", 20n, { isLeading: true, modified: 41n }), seat("c", 25n)] },
  ],
};

/** `SAFE`, and what is said besides. */
function and(more: { told?: Told[]; writes?: StoredWrite[]; queue?: History["queue"] }): History {
  return {
    isFair: true,
    told: [...SAFE.told, ...(more.told ?? [])],
    writes: [...SAFE.writes, ...(more.writes ?? [])],
    queue: [...SAFE.queue, ...(more.queue ?? [])],
  };
}

const JUMP: History["queue"] = [
  { scope: SCOPE, revision: 51n, seats: [seat("b", 20n), seat("c", 25n, { isLeading: true, modified: 51n })] },
];

const TWO_LEAD: History["queue"] = [
  {
    scope: SCOPE,
    revision: 51n,
    seats: [seat("b", 20n, { isLeading: true, modified: 41n }), seat("c", 25n, { isLeading: true, modified: 51n })],
  },
];

const cases: { name: string; history: History; want: string[] }[] = [
  { name: "what went well has no violation", history: SAFE, want: [] },
  {
    name: "a write of an earlier leader after one of a later",
    history: and({ writes: [stored("a", 10n, 50n)] }),
    want: ["epoch_fell"],
  },
  {
    name: "writes of two elections are in no order",
    history: and({ writes: [{ ...stored("a", 3n, 50n), scope: "e1" }] }),
    want: [],
  },
  {
    name: "one is elected with the epoch of another",
    history: and({ told: [elected("c", 20n, 205n)] }),
    want: ["epoch_reused"],
  },
  {
    name: "one is elected twice with the same epoch",
    history: and({ told: [elected("b", 20n, 205n)] }),
    want: ["epoch_reused"],
  },
  {
    name: "one writes with the epoch of another",
    history: and({ writes: [stored("c", 20n, 50n)] }),
    want: ["epoch_reused"],
  },
  {
    name: "an epoch is not of the store",
    history: and({ told: [elected("c", 26n, 300n)] }),
    want: ["epoch_not_given"],
  },
  {
    name: "who led with a smaller epoch leads after one with a greater",
    history: and({
      queue: [
        { scope: SCOPE, revision: 52n, seats: [seat("d", 30n, { isLeading: true, modified: 52n })] },
        { scope: SCOPE, revision: 60n, seats: [seat("c", 25n, { isLeading: true, modified: 60n })] },
      ],
    }),
    want: ["leader_is_older"],
  },
  { name: "one leads before another that came first", history: and({ queue: JUMP }), want: ["queue_jumped"] },
  { name: "one leads beside the one who came first", history: and({ queue: TWO_LEAD }), want: ["queue_jumped"] },
  {
    name: "where nobody promises an order, none is missed",
    history: { ...and({ queue: JUMP }), isFair: false },
    want: [],
  },
  {
    name: "one believes in its lease when the next one leads",
    history: and({ told: [believes("a", 10n, 201n)] }),
    want: ["two_believe"],
  },
  {
    name: "a write that was done is not there",
    history: and({ told: [wrote("b", 47n)] }),
    want: ["lost_write"],
  },
  {
    name: "a write that was refused is there",
    history: and({ writes: [{ ...stored("a", 20n, 46n), key: "a-refused", by: "b" }] }),
    want: ["undead_write"],
  },
];

for (const { name, history, want } of cases) {
  test(`history: ${name}`, () => {
    assert.deepEqual([...new Set(checkHistory(history).map(({ kind }) => kind))], want);
  });
}

test("history: each kind of violation is seen in one of these cases", () => {
  assert.deepEqual(new Set(cases.flatMap(({ want }) => want)), new Set(VIOLATIONS));
});
