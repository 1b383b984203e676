import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Clock } from "../core/clock.ts";
import { RouterError } from "../core/errors.ts";
import { settle, type TxnSender } from "./settle.ts";
import type { Compare, Entry, Txn, TxnOutcome, Write } from "./store.ts";

/** What becomes of a call that sends the transaction. */
type Fate =
  | { readonly kind: "answered" }
  /** It never arrives, and nobody knows. */
  | { readonly kind: "lost" }
  /** It is carried out, and nobody knows. */
  | { readonly kind: "applied" }
  /** Nobody knows, and it arrives so many calls later. */
  | { readonly kind: "late"; readonly calls: number }
  | { readonly kind: "unreachable" }
  | { readonly kind: "refused" };

/** What somebody else does right before a call. */
type Other = { readonly kind: "none" | "put" | "delete"; readonly key: string };

class ModelStore implements TxnSender {
  readonly entries = new Map<string, Entry>();
  readonly #fates: Fate[];
  readonly #others: Other[];
  readonly #reads: boolean[];
  #late: { calls: number; readonly txn: Txn }[] = [];
  #revision = 10n;
  /** Of each time that the transaction was carried out. */
  readonly applied: bigint[] = [];

  constructor(fates: readonly Fate[], others: readonly Other[] = [], reads: readonly boolean[] = []) {
    this.#fates = [...fates];
    this.#others = [...others];
    this.#reads = [...reads];
  }

  put(key: string, value: string, session?: string): bigint {
    const revision = ++this.#revision;
    this.#write({ kind: "put", key, value: Buffer.from(value), session }, revision);
    return revision;
  }

  async send(txn: Txn): Promise<TxnOutcome | undefined> {
    this.#pass();
    const fate = this.#fates.shift() ?? { kind: "answered" };
    switch (fate.kind) {
      case "answered":
        return this.#apply(txn);
      case "lost":
        return undefined;
      case "applied":
        this.#apply(txn);
        return undefined;
      case "late":
        this.#late.push({ calls: fate.calls, txn });
        return undefined;
      case "unreachable":
        throw new RouterError("STORE_UNREACHABLE", "no connection");
      case "refused":
        throw new RouterError("STORE_REFUSED", "no room");
      default:
        return fate satisfies never;
    }
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#pass();
    if (this.#reads.shift() === false) throw new RouterError("STORE_UNREACHABLE", "no connection");
    return this.entries.get(key);
  }

  /** All that was on its way arrives. */
  end(): void {
    for (const { txn } of this.#late) this.#apply(txn);
    this.#late = [];
  }

  #pass(): void {
    for (const late of this.#late) late.calls--;
    const due = this.#late.filter(({ calls }) => calls < 0);
    this.#late = this.#late.filter(({ calls }) => calls >= 0);
    for (const { txn } of due) this.#apply(txn);
    const other = this.#others.shift();
    if (other?.kind === "put") this.put(other.key, `other ${this.#revision}`);
    if (other?.kind === "delete" && this.entries.delete(other.key)) this.#revision++;
  }

  #apply({ if: comparisons, then: writes, else: others = [] }: Txn): TxnOutcome {
    const isSo = comparisons.every((compare) => {
      const entry = this.entries.get(compare.key);
      if (compare.kind === "absent") return entry === undefined;
      return entry?.[compare.kind] === compare.revision;
    });
    if (!isSo) return { done: false, entries: others.map((key) => this.entries.get(key)) };
    const revision = ++this.#revision;
    for (const write of writes) this.#write(write, revision);
    this.applied.push(revision);
    return { done: true, revision };
  }

  #write(write: Write, revision: bigint): void {
    const { key } = write;
    if (write.kind === "delete") return void this.entries.delete(key);
    const created = this.entries.get(key)?.created ?? revision;
    this.entries.set(key, { key, value: write.value, created, modified: revision, session: write.session });
  }
}

/** Time passes when somebody waits. */
function hastyClock(): Clock {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    after(delayMs, run) {
      let isCancelled = false;
      queueMicrotask(() => {
        nowMs += delayMs;
        if (!isCancelled) run();
      });
      return () => {
        isCancelled = true;
      };
    },
  };
}

async function outcomeOf(store: ModelStore, txn: Txn): Promise<TxnOutcome | string> {
  try {
    return await settle(store, txn, { clock: hastyClock(), signal: new AbortController().signal });
  } catch (cause) {
    assert(cause instanceof RouterError);
    return cause.code;
  }
}

function put(key: string, value = `ours at ${key}`, session?: string): Write {
  return { kind: "put", key, value: Buffer.from(value), session };
}

const LATE: Fate = { kind: "late", calls: 0 };

test("a transaction that is carried out late, after it was sent again, is reported as done", async () => {
  // Two reads, the transaction again: the one before arrives first, and this one finds it there.
  const store = new ModelStore([{ kind: "late", calls: 2 }]);
  const outcome = await outcomeOf(store, { if: [{ kind: "absent", key: "/k" }], then: [put("/k")] });
  assert.deepEqual([outcome, store.applied.length], [{ done: true, revision: store.applied[0] }, 1]);
});

test("an outcome that was lost is found by what was written", async () => {
  const store = new ModelStore([{ kind: "applied" }]);
  const outcome = await outcomeOf(store, { if: [], then: [put("/k"), { kind: "delete", key: "/gone" }] });
  assert.deepEqual([outcome, store.applied.length], [{ done: true, revision: store.applied[0] }, 1]);
});

test("a value that was there before is not taken for that of the transaction", async () => {
  const store = new ModelStore([{ kind: "lost" }]);
  const revision = store.put("/k", "same");
  const outcome = await outcomeOf(store, {
    if: [{ kind: "modified", key: "/k", revision }],
    then: [put("/k", "same")],
  });
  assert.deepEqual([outcome, store.applied.length], [{ done: true, revision: store.applied[0] }, 1]);
  assert(store.applied[0]! > revision);
});

test("what was written over since may have been carried out, and is not reported as not done", async () => {
  const none: Other = { kind: "none", key: "/k" };
  const store = new ModelStore([{ kind: "applied" }], [none, { kind: "put", key: "/k" }]);
  const revision = store.put("/k", "first");
  const outcome = await outcomeOf(store, { if: [{ kind: "modified", key: "/k", revision }], then: [put("/k")] });
  assert.deepEqual([outcome, store.applied.length], ["STORE_UNKNOWN", 1]);
});

test("a key that is gone was not deleted by the transaction for certain", async () => {
  const none: Other = { kind: "none", key: "/k" };
  const store = new ModelStore([{ kind: "lost" }], [none, { kind: "delete", key: "/k" }]);
  const revision = store.put("/k", "first");
  const txn: Txn = { if: [{ kind: "created", key: "/k", revision }], then: [{ kind: "delete", key: "/k" }] };
  assert.deepEqual([await outcomeOf(store, txn), store.applied.length], ["STORE_UNKNOWN", 0]);
});

test("a guard that is gone, and a key that stands since before it: not done, now or later", async () => {
  const store = new ModelStore(
    [{ kind: "late", calls: 9 }],
    [
      { kind: "none", key: "" },
      { kind: "put", key: "/guard" },
    ],
  );
  store.put("/k", "first");
  const revision = store.put("/guard", "leader");
  const guard: Compare = { kind: "modified", key: "/guard", revision };
  const outcome = await outcomeOf(store, { if: [guard], then: [put("/k")], else: ["/k"] });
  store.end();
  assert.deepEqual([outcome, store.applied], [{ done: false, entries: [store.entries.get("/k")] }, []]);
});

test("a store that cannot be reached any more is not said to have written nothing", async () => {
  const store = new ModelStore([LATE], [], Array<boolean>(1_000).fill(false));
  const outcome = await outcomeOf(store, { if: [{ kind: "absent", key: "/k" }], then: [put("/k")] });
  store.end();
  assert.deepEqual([outcome, store.applied.length], ["STORE_UNKNOWN", 1]);
});

for (const kind of ["unreachable", "refused"] as const) {
  test(`what another try says (${kind}) is not said of the first`, async () => {
    const store = new ModelStore([{ kind: "late", calls: 2 }, { kind }]);
    const outcome = await outcomeOf(store, { if: [{ kind: "absent", key: "/k" }], then: [put("/k")] });
    assert.deepEqual([outcome, store.applied.length], [{ done: true, revision: store.applied[0] }, 1]);
  });
}

test("what the first try says for certain is passed on", async () => {
  const store = new ModelStore([{ kind: "unreachable" }]);
  assert.equal(await outcomeOf(store, { if: [], then: [put("/k")] }), "STORE_UNREACHABLE");
});

test("a transaction whose comparisons it leaves true is not sent again", async () => {
  const store = new ModelStore([{ kind: "lost" }]);
  assert.deepEqual([await outcomeOf(store, { if: [], then: [put("/k")] }), store.applied], ["STORE_UNKNOWN", []]);
});

test("a key of another session is waited for by nobody", async () => {
  const store = new ModelStore([{ kind: "lost" }]);
  store.put("/k", "theirs", "other");
  const txn: Txn = { if: [{ kind: "absent", key: "/mine" }], then: [put("/mine"), put("/k", "ours", "mine")] };
  assert.deepEqual([await outcomeOf(store, txn), store.applied], ["STORE_UNKNOWN", []]);
});

test("all that settling takes has one deadline", async () => {
  const clock = hastyClock();
  const deadlines: number[] = [];
  const sender: TxnSender = {
    send: (_, { deadlineMs = 0 }) => {
      deadlines.push(deadlineMs);
      return Promise.resolve(undefined);
    },
    get: (_, { deadlineMs = 0 }) => {
      deadlines.push(deadlineMs);
      return Promise.resolve(undefined);
    },
  };
  const txn: Txn = { if: [{ kind: "absent", key: "/k" }], then: [put("/k")] };
  const settling = settle(sender, txn, { clock, signal: new AbortController().signal, deadlineMs: 5_000 });
  await assert.rejects(settling, { code: "STORE_UNKNOWN" });
  assert(clock.nowMs() <= 5_000);
  assert(deadlines.length > 3 && deadlines.every((deadlineMs, i) => deadlineMs <= (deadlines[i - 1] ?? 5_000)));
});

test("the signal ends it with its reason", async () => {
  const stop = new AbortController();
  const sender: TxnSender = {
    send: () => Promise.resolve(undefined),
    get: () => {
      stop.abort(new RouterError("SHUTDOWN", "over"));
      return Promise.reject(new RouterError("STORE_UNREACHABLE", "no connection"));
    },
  };
  const settling = settle(sender, { if: [], then: [put("/k")] }, { clock: hastyClock(), signal: stop.signal });
  await assert.rejects(settling, { code: "SHUTDOWN" });
});

const KEYS = ["/a", "/b", "/c"];
const aKey = fc.constantFrom(...KEYS);
const aFate: fc.Arbitrary<Fate> = fc.oneof(
  fc.constantFrom<Fate>({ kind: "lost" }, { kind: "applied" }, { kind: "unreachable" }, { kind: "answered" }),
  fc.record({ kind: fc.constant("late" as const), calls: fc.nat(12) }),
);
const aWorld = fc.record({
  there: fc.uniqueArray(aKey),
  compares: fc.uniqueArray(fc.tuple(aKey, fc.constantFrom("absent", "created", "modified")), {
    selector: ([key]) => key,
  }),
  writes: fc.uniqueArray(fc.tuple(aKey, fc.constantFrom("put", "put", "delete")), {
    selector: ([key]) => key,
    minLength: 1,
  }),
  fates: fc.array(aFate, { maxLength: 4 }),
  others: fc.array(fc.record({ kind: fc.constantFrom("none", "none", "put", "delete"), key: aKey }), { maxLength: 12 }),
  reads: fc.array(fc.boolean(), { maxLength: 6 }),
});

test("a transaction is never carried out twice, and what is reported of it is true for good", async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(aWorld, async ({ there, compares, writes, fates, others, reads }) => {
      // Whoever deletes what one try created lets another one create it: see settle().
      const world = breaksForGood(compares, writes) ? others : others.filter(({ kind }) => kind !== "delete");
      const store = new ModelStore(fates, world, reads);
      for (const key of there) store.put(key, "before");
      const txn: Txn = {
        if: compares.map(([key, kind]): Compare => {
          if (kind === "absent") return { kind, key };
          return { kind, key, revision: store.entries.get(key)?.modified ?? 3n };
        }),
        then: writes.map(([key, kind]) => (kind === "put" ? put(key) : { kind: "delete", key })),
        else: KEYS,
      };
      const outcome = await outcomeOf(store, txn);
      store.end();
      seen.add(typeof outcome === "string" ? outcome : `done: ${outcome.done}`);
      const { applied } = store;
      assert(applied.length <= 1, `carried out ${applied.length} times`);
      if (outcome === "STORE_UNREACHABLE") assert.deepEqual(applied, []);
      if (typeof outcome === "string") return;
      if (outcome.done) assert(applied.includes(outcome.revision), "reported as done, and was not");
      else assert.deepEqual(applied, [], "reported as not done, and was");
    }),
    { numRuns: 3_000 },
  );
  assert.deepEqual([...seen].toSorted(), ["STORE_UNKNOWN", "STORE_UNREACHABLE", "done: false", "done: true"]);
});

/** Whether what it writes changes a revision that it compares: none comes back. */
function breaksForGood(compares: readonly [string, string][], writes: readonly [string, string][]): boolean {
  return compares.some(([compared, how]) => {
    return writes.some(
      ([key, kind]) => key === compared && (how === "modified" || (how === "created" && kind === "delete")),
    );
  });
}
