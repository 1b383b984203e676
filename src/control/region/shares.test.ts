import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { compareEpochs, type Epoch } from "../../store/recipes/epoch.ts";
import { type GrantedShare, type HeldShare, ShareBook, type ShareRequest } from "./shares.ts";

const LEASE_MS = 15_000;
const TOTAL = 100;

function epochOf(revision: number): Epoch {
  return { generation: 1, revision: BigInt(revision) };
}

function bookOf(revision: number, nowMs: number): ShareBook {
  const book = new ShareBook({ epoch: epochOf(revision), leaseMs: LEASE_MS, learnedAtMs: nowMs + LEASE_MS });
  book.setTotal(TOTAL);
  return book;
}

/** Of a leader that has learnt all. */
function learnedBook(): ShareBook {
  return bookOf(1, -LEASE_MS);
}

/** Of somebody who knows who leads. */
function ask(holder: string, wanted: number, held?: HeldShare, revision = 1): ShareRequest {
  return { holder, wanted, held, to: epochOf(revision) };
}

function heldOf({ amount, validForMs, seq }: GrantedShare, revision = 1): HeldShare {
  return { amount, validForMs, seq, epoch: epochOf(revision) };
}

test("shares: nobody is given what another may have", () => {
  const book = learnedBook();
  assert.equal(book.grant(ask("a", 70), 0)?.amount, 70);
  assert.equal(book.grant(ask("b", 70), 0)?.amount, 30);
  assert.equal(book.grant(ask("c", 1), 0), undefined);
  assert.equal(book.outstanding(0), TOTAL);
  assert.equal(book.grant(ask("c", 200), LEASE_MS)?.amount, TOTAL);
});

test("shares: a smaller one frees the rest once its holder is known to use it", () => {
  const book = learnedBook();
  book.grant(ask("a", 80), 0);
  const less = book.grant(ask("a", 20), 1_000);
  assert.equal(book.outstanding(1_000), 80);
  assert.ok(less !== undefined);
  book.grant(ask("a", 20, heldOf(less)), 2_000);
  assert.equal(book.outstanding(2_000), 20);
});

test("shares: what a holder says it uses frees what it had before, also when nothing is granted", () => {
  const book = learnedBook();
  const whole = book.grant(ask("a", TOTAL), 0)!;
  const half = book.grant(ask("a", TOTAL / 2, heldOf(whole)), 0)!;
  assert.equal(book.outstanding(0), TOTAL);
  book.told({ holder: "a", held: heldOf(half), to: epochOf(2) }, 0);
  assert.equal(book.outstanding(0), TOTAL);
  book.told({ holder: "a", held: heldOf(half), to: epochOf(1) }, 0);
  assert.equal(book.outstanding(0), TOTAL / 2);
});

test("shares: a new leader grants what holders have, and nothing else, for one full lease", () => {
  const book = bookOf(2, 0);
  const held: HeldShare = { amount: 40, validForMs: 9_000, seq: 3, epoch: epochOf(1) };
  assert.equal(book.grant(ask("new", 10, undefined, 2), 1_000), undefined);
  assert.equal(book.grant(ask("a", 90, held, 2), 1_000)?.amount, 40);
  assert.equal(book.grant(ask("a", 5, held, 2), 2_000)?.amount, 5);
  assert.equal(book.grant(ask("late", 10, { ...held, validForMs: 0 }, 2), 3_000), undefined);
  assert.equal(book.isLearning(LEASE_MS - 1), true);
  assert.equal(book.grant(ask("new", 90, undefined, 2), LEASE_MS)?.amount, 60);
});

test("shares: no part outlives the whole, and what was sent to another leader is granted nothing", () => {
  const book = learnedBook();
  book.setTotal(TOTAL, 4_000);
  assert.equal(book.grant(ask("a", 10), 0)?.validForMs, 4_000);
  assert.equal(book.grant(ask("a", 10), 4_000), undefined);
  assert.equal(learnedBook().grant(ask("a", 10, undefined, 2), 0), undefined);
});

test("shares: when the whole becomes less, a holder can give back what is too much, and keeps the rest to its end", () => {
  const book = learnedBook();
  book.grant(ask("a", 50), 0);
  book.grant(ask("b", 50), 0);
  book.setTotal(10);
  const less = book.grant(ask("a", 5), 6_000);
  assert.deepEqual([less?.amount, less?.validForMs], [5, LEASE_MS - 6_000]);
  assert.equal(book.outstanding(6_000), TOTAL);
  book.grant(ask("a", 5, heldOf(less!)), 7_000);
  assert.equal(book.outstanding(7_000), 55);
  book.release("b", 7_000);
  assert.equal(book.outstanding(7_000), 5);
});

interface Request {
  readonly holder: number;
  readonly wanted: number;
  readonly thereMs: number;
  readonly backMs: number;
  readonly isAnswerLost: boolean;
}

type Event =
  | ({ readonly kind: "ask" } & Request)
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "change" };

const travel = fc.integer({ min: 0, max: 8_000 });
const eventOf: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("ask" as const),
      holder: fc.nat(4),
      wanted: fc.integer({ min: 1, max: 80 }),
      thereMs: travel,
      backMs: travel,
      isAnswerLost: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 7_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "change" as const }) },
);

interface Believed {
  readonly amount: number;
  readonly untilMs: number;
  readonly seq: number;
  readonly epoch: Epoch;
}

/** Holders, the way to their leader and back, and leaders that follow each other. */
class World {
  nowMs = 0;
  #revision = 1;
  #book = bookOf(1, 0);
  readonly #believed = new Map<number, Believed>();
  #queue: { readonly atMs: number; readonly run: () => void }[] = [];

  change(): void {
    this.#book = bookOf(++this.#revision, this.nowMs);
  }

  ask({ holder, wanted, thereMs, backMs, isAnswerLost }: Request): void {
    const sentMs = this.nowMs;
    const has = this.#has(holder);
    const held = has && { amount: has.amount, validForMs: has.untilMs - sentMs, seq: has.seq, epoch: has.epoch };
    const to = epochOf(this.#revision);
    this.#later(thereMs, () => {
      const epoch = epochOf(this.#revision);
      const granted = this.#book.grant({ holder: String(holder), wanted, held, to }, this.nowMs);
      if (granted === undefined || isAnswerLost) return;
      this.#later(backMs, () => this.#take(holder, { ...granted, untilMs: sentMs + granted.validForMs, epoch }));
    });
  }

  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.#queue.filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#queue = this.#queue.filter((one) => one !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
      this.check();
    }
    this.nowMs = endMs;
    this.check();
  }

  check(): void {
    let sum = 0;
    for (const holder of this.#believed.keys()) sum += this.#has(holder)?.amount ?? 0;
    assert.ok(sum <= TOTAL + 1e-9, `${sum} of ${TOTAL} at ${this.nowMs}`);
  }

  /** Who has seen a higher epoch refuses lower ones, and of one leader what was overtaken. */
  #take(holder: number, next: Believed): void {
    const last = this.#believed.get(holder);
    const step = last === undefined ? 1 : compareEpochs(next.epoch, last.epoch) || next.seq - last.seq;
    if (step > 0) this.#believed.set(holder, next);
  }

  #has(holder: number): Believed | undefined {
    const believed = this.#believed.get(holder);
    return believed !== undefined && believed.untilMs > this.nowMs ? believed : undefined;
  }

  #later(ms: number, run: () => void): void {
    this.#queue.push({ atMs: this.nowMs + ms, run });
  }
}

test("shares: holders never believe to have more than all of it together, through lost and late answers and changes of the leader", () => {
  fc.assert(
    fc.property(fc.array(eventOf, { minLength: 10, maxLength: 120 }), (events) => {
      const world = new World();
      world.pass(LEASE_MS);
      for (const event of events) {
        if (event.kind === "ask") world.ask(event);
        else if (event.kind === "pass") world.pass(event.ms);
        else world.change();
      }
      world.pass(60_000);
    }),
    { numRuns: 300 },
  );
});
