import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { compareEpochs, type Epoch, formatEpoch, parseEpoch } from "../../store/recipes/epoch.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { momentOf } from "../../store/session/moment.ts";
import { writeDirective } from "../../../test/support/fleet/directives.ts";
import { DirectiveBook, type DirectiveVerdict, type StandingDirective } from "./directive-book.ts";

/** What `openFleetMemory` keeps, without a disk. */
function memoryOf(seen = new Map<string, Epoch>()): Pick<FleetMemory, "offer" | "seen"> {
  return {
    seen: (scope) => seen.get(scope),
    async offer(scope, epoch) {
      const known = seen.get(scope);
      const step = known === undefined ? 1 : compareEpochs(epoch, known);
      if (step > 0) seen.set(scope, epoch);
      await Promise.resolve(); // the disk
      return step > 0 ? "newer" : step === 0 ? "same" : "older";
    },
  };
}

interface Rig {
  readonly clock: ManualClock;
  readonly book: DirectiveBook;
  readonly told: string[];
  readonly offer: (epoch: string, seq: number, more?: OfferMore) => Promise<DirectiveVerdict>;
}

interface OfferMore {
  readonly validForMs?: number;
  readonly body?: string;
  readonly sentMsAgo?: number;
  readonly scope?: string;
}

function rig(memory = memoryOf()): Rig {
  const clock = new ManualClock();
  const told: string[] = [];
  const tell = (what: string) => (directive: StandingDirective) => {
    told.push(`${what} ${directive.scope} ${directive.epoch} ${directive.seq}`);
  };
  const book = new DirectiveBook({ clock, memory, apply: tell("apply"), expired: tell("expired") });
  return {
    clock,
    book,
    told,
    offer(epoch, seq, { validForMs = 10_000, body = `${epoch} ${seq}`, sentMsAgo = 0, scope = "limits" } = {}) {
      const { machineMs, wallMs } = momentOf(clock);
      const sent = { machineMs: machineMs - sentMsAgo, wallMs: wallMs - sentMsAgo };
      return book.offer({ directive: writeDirective({ scope, epoch, seq, validForMs, body }), body, sent });
    },
  };
}

test("a book: a higher epoch is applied, whatever its number; a lower one never is again", async () => {
  const { offer, told, book } = rig();
  assert.equal(await offer("1.7", 3), "applied");
  assert.equal(await offer("1.7", 4), "applied");
  assert.equal(await offer("1.7", 3), "older_seq");
  assert.equal(await offer("1.9", 1), "applied");
  assert.equal(await offer("1.7", 99), "older_epoch");
  assert.equal(await offer("1.9", 1), "known");
  assert.deepEqual(told, ["apply limits 1.7 3", "apply limits 1.7 4", "apply limits 1.9 1"]);
  assert.deepEqual(book.known(), { limits: { epoch: "1.9", seq: 1 } });
});

test("a book: what was seen before a restart counts, although nothing of it holds", async () => {
  const { offer, book } = rig(memoryOf(new Map([["limits", { generation: 2, revision: 5n }]])));
  assert.equal(book.wants({ scope: "limits", epoch: "1.99", seq: 1 }), false);
  assert.equal(await offer("1.99", 1), "older_epoch");
  assert.equal(await offer("2.5", 1), "applied");
});

test("a book: its time counts from the sending of the request, and then it narrows to its fallback", async () => {
  const { offer, told, clock, book } = rig();
  assert.equal(await offer("1.1", 1, { validForMs: 10_000, sentMsAgo: 4_000 }), "applied");
  assert.equal(book.validForMs("limits"), 6_000);
  clock.advance(5_999);
  assert.deepEqual(told, ["apply limits 1.1 1"]);
  clock.advance(1);
  assert.deepEqual(told, ["apply limits 1.1 1", "expired limits 1.1 1"]);
  assert.equal(book.current("limits"), undefined);
  assert.deepEqual(book.known(), {}, "its controller may say it again, with more time");
  assert.equal(await offer("1.1", 1, { validForMs: 3_000, sentMsAgo: 3_000 }), "expired");
  assert.equal(await offer("1.1", 1, { validForMs: 3_000 }), "applied");
});

test("a book: a wall clock that is set forward ends it, and one that is set back does not prolong it", async () => {
  const forward = rig();
  await forward.offer("1.1", 1);
  forward.clock.stepWall(60_000); // a suspended machine wakes up
  assert.equal(forward.book.current("limits"), undefined);
  assert.deepEqual(forward.told, ["apply limits 1.1 1", "expired limits 1.1 1"]);
  forward.clock.stepWall(-60_000);
  assert.equal(forward.book.current("limits"), undefined, "what is over stays so");

  const back = rig();
  await back.offer("1.1", 1);
  back.clock.stepWall(-60_000);
  back.clock.advance(10_000);
  assert.equal(back.book.current("limits"), undefined);
});

test("a book: the wall clock is looked at by itself", async () => {
  const { offer, clock, told } = rig();
  await offer("1.1", 1, { validForMs: 3_600_000 });
  clock.stepWall(3_600_000);
  clock.advance(1_000);
  assert.deepEqual(told, ["apply limits 1.1 1", "expired limits 1.1 1"]);
});

test("a book: the same directive with more time left holds for longer", async () => {
  const { offer, clock, told, book } = rig();
  await offer("1.1", 1);
  clock.advance(8_000);
  assert.equal(await offer("1.1", 1, { validForMs: 5_000 }), "known");
  assert.equal(await offer("1.1", 1, { validForMs: 1 }), "known");
  assert.equal(book.validForMs("limits"), 5_000);
  clock.advance(5_000);
  assert.deepEqual(told, ["apply limits 1.1 1", "expired limits 1.1 1"]);
});

test("a book: a body that is not what the digest says is refused, and so is a second one of the same number", async () => {
  const { book, offer, clock } = rig();
  const directive = writeDirective({ scope: "limits", epoch: "1.1", seq: 1, validForMs: 1_000, body: "a" });
  assert.equal(await book.offer({ directive, body: "b", sent: momentOf(clock) }), "malformed");
  assert.equal(await offer("1.1", 1, { body: "a" }), "applied");
  assert.equal(await offer("1.1", 1, { body: "b" }), "malformed");
  assert.equal(book.current("limits")?.body, "a");
});

test("a book: an epoch that cannot be kept is not obeyed, until it can", async () => {
  let isFull = true;
  const kept = memoryOf();
  const { offer, told } = rig({
    seen: kept.seen,
    offer: (scope, epoch) => (isFull ? Promise.reject(new Error("no space left on device")) : kept.offer(scope, epoch)),
  });
  assert.equal(await offer("1.1", 1), "not_kept");
  assert.deepEqual(told, []);
  isFull = false;
  assert.equal(await offer("1.1", 1), "applied");
});

test("a book: what has been over longest makes room for what is new, and its epoch is known all the same", async () => {
  const { offer, book, clock, told } = rig();
  for (let i = 0; i < 64; i++) {
    assert.equal(
      await offer("1.5", 1, { scope: `s${i}`, validForMs: i === 9 ? 1_000 : i < 20 ? 2_000 : 60_000 }),
      "applied",
    );
  }
  clock.advance(3_000);
  assert.equal(told.filter((line) => line.startsWith("expired")).length, 20);
  assert.equal(await offer("1.5", 1, { scope: "new" }), "applied");
  assert.equal(book.current("new")?.seq, 1);
  // Whatever has been over for less is still known by its number.
  assert.equal(await offer("1.5", 0, { scope: "s8" }), "older_seq");
  assert.equal(await offer("1.4", 9, { scope: "s9" }), "older_epoch");
  for (let i = 0; i < 19; i++) assert.equal(await offer("1.5", 1, { scope: `more${i}` }), "applied");
  assert.equal(await offer("1.5", 1, { scope: "one-too-many" }), "too_many");
});

test("a book: scopes are bounded", async () => {
  const { offer } = rig();
  for (let i = 0; i < 64; i++) assert.equal(await offer("1.1", 1, { scope: `s${i}` }), "applied");
  assert.equal(await offer("1.1", 1, { scope: "one-more" }), "too_many");
  assert.equal(await offer("1.1", 2, { scope: "s7" }), "applied");
});

const step = fc.oneof(
  fc.record({
    kind: fc.constant("offer" as const),
    generation: fc.integer({ min: 1, max: 2 }),
    revision: fc.integer({ min: 0, max: 3 }),
    seq: fc.integer({ min: 0, max: 3 }),
    validForMs: fc.integer({ min: 0, max: 3_000 }),
    sentMsAgo: fc.integer({ min: 0, max: 3_000 }),
  }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 2_000 }) }),
  fc.record({ kind: fc.constant("set" as const), ms: fc.integer({ min: -2_000, max: 2_000 }) }),
  fc.record({ kind: fc.constant("settle" as const) }),
  fc.record({ kind: fc.constant("restart" as const) }),
);

test("a book, whatever comes and whoever sets the clock: no lower epoch after a higher one, nothing after its time", async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const clock = new ManualClock();
    const memory = memoryOf();
    let highest: Epoch = { generation: 1, revision: 0n };
    // Of each directive that was offered: until when it may be obeyed, by both clocks, at most.
    const untils = new Map<string, { machineMs: number; wallMs: number }[]>();
    const mayHold = (name: string): boolean =>
      (untils.get(name) ?? []).some((until) => clock.nowMs() < until.machineMs && clock.wallMs() < until.wallMs);
    const apply = (directive: StandingDirective): void => {
      const epoch = parseEpoch(directive.epoch)!;
      assert.ok(compareEpochs(epoch, highest) >= 0, `${directive.epoch} after ${formatEpoch(highest)}`);
      highest = epoch;
      assert.ok(mayHold(`${directive.epoch} ${directive.seq}`), "it was applied after its time");
    };
    const open = (): DirectiveBook => new DirectiveBook({ clock, memory, apply, expired: () => undefined });
    let book = open();
    let pending: Promise<unknown>[] = [];
    for (const one of steps) {
      if (one.kind === "pass") clock.advance(one.ms);
      if (one.kind === "set") clock.stepWall(one.ms);
      if (one.kind === "restart") {
        book[Symbol.dispose]();
        book = open();
      }
      if (one.kind === "settle") {
        await Promise.all(pending);
        pending = [];
      }
      if (one.kind === "offer") {
        const epoch = formatEpoch({ generation: one.generation, revision: BigInt(one.revision) });
        const name = `${epoch} ${one.seq}`;
        const now = momentOf(clock);
        const sent = { machineMs: now.machineMs - one.sentMsAgo, wallMs: now.wallMs - one.sentMsAgo };
        const until = { machineMs: sent.machineMs + one.validForMs, wallMs: sent.wallMs + one.validForMs };
        untils.set(name, [...(untils.get(name) ?? []), until]);
        const directive = writeDirective({ scope: "s", epoch, seq: one.seq, validForMs: one.validForMs, body: name });
        pending.push(book.offer({ directive, body: name, sent }));
      }
      const current = book.current("s");
      if (current !== undefined) {
        const name = `${current.epoch} ${current.seq}`;
        assert.ok(mayHold(name), `${name} is obeyed after its time`);
      }
    }
    await Promise.all(pending);
    book[Symbol.dispose]();
  });
  await fc.assert(property, { numRuns: 300 });
});
