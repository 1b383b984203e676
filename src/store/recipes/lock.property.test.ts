import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RouterError } from "../../core/errors.ts";
import { RiggedStore } from "../../../test/support/rigged-store.ts";
import { createLock, type LockGuard } from "./lock.ts";

const NEVER = new AbortController().signal;
const CONTENDERS = 3;
const WORK = "/test/work";
/** Longer than any pause, and than what is tried again behind the back of who has left. */
const LONG_MS = 60_000;
const STRIDE_MS = 500;

const who = fc.nat(CONTENDERS - 1);
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("ask" as const), who }) },
  fc.record({ kind: fc.constant("give up" as const), who }),
  fc.record({ kind: fc.constant("release" as const), who }),
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("write" as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("be blind, or see" as const), who }) },
  fc.record({ kind: fc.constant("lose session" as const), which: fc.nat() }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("end session in the store" as const), which: fc.nat() }) },
  fc.record({ kind: fc.constant("outage" as const), actions: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("lose answers" as const) }),
  fc.record({ kind: fc.constant("time" as const), ms: fc.nat(5_000) }),
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

interface Contender {
  isBlind: boolean;
  asked: AbortController | undefined;
  guard: LockGuard | undefined;
}

/** Contenders of one lock, with all that goes wrong between them and the store. */
class Play {
  readonly store: RiggedStore;
  readonly epochs: bigint[] = [];
  readonly writes: { readonly epoch: bigint; readonly revision: bigint }[] = [];
  /** So many actions more the store cannot be reached. */
  #away = 0;
  readonly #contenders: Contender[] = Array.from({ length: CONTENDERS }, () => ({
    isBlind: false,
    asked: undefined,
    guard: undefined,
  }));

  constructor(store: RiggedStore) {
    this.store = store;
  }

  async act(one: Action): Promise<void> {
    this.store.isAway = this.#away-- > 0;
    switch (one.kind) {
      case "ask":
        void this.#ask(one.who);
        break;
      case "give up":
        this.#contenders[one.who]?.asked?.abort(new Error("given up"));
        break;
      case "release":
        void this.#contenders[one.who]?.guard?.release();
        break;
      case "write":
        void this.#write(one.who);
        break;
      case "be blind, or see": {
        const contender = this.#contenders[one.who];
        if (contender !== undefined) contender.isBlind = !contender.isBlind;
        break;
      }
      case "lose session":
        this.#session(one.which)?.lose();
        break;
      case "end session in the store":
        await this.#session(one.which)?.endInStore();
        break;
      case "outage":
        this.#away = one.actions;
        break;
      case "lose answers": {
        let left = 2;
        this.store.losesAnswer = () => left-- > 0;
        break;
      }
      case "time":
        await this.#pass(one.ms);
        break;
      default:
        one satisfies never;
    }
    await this.store.settle();
  }

  /** The store is back, and nobody wants anything any more. */
  async end(): Promise<void> {
    this.store.isAway = false;
    for (const contender of this.#contenders) {
      const { asked, guard } = contender;
      contender.isBlind = false;
      asked?.abort(new Error("given up"));
      void guard?.release();
    }
    await this.#pass(LONG_MS);
  }

  async #ask(number: number): Promise<void> {
    const contender = this.#contenders[number];
    if (contender === undefined || contender.asked !== undefined) return;
    const asked = new AbortController();
    contender.asked = asked;
    try {
      const lock = createLock(
        this.store.view(() => contender.isBlind),
        "jobs",
        { holder: `c${number}` },
      );
      const guard = await lock.acquire({ signal: asked.signal });
      this.epochs.push(guard.epoch);
      contender.guard = guard;
      if (asked.signal.aborted) void guard.release();
      await new Promise<void>((resolve) => guard.lost.addEventListener("abort", () => resolve()));
    } catch (cause) {
      assert.match(String(cause), /given up/u);
    }
    contender.guard = undefined;
    contender.asked = undefined;
  }

  async #write(number: number): Promise<void> {
    const guard = this.#contenders[number]?.guard;
    if (guard === undefined) return;
    try {
      const value = Buffer.from(String(guard.epoch));
      const outcome = await guard.guarded({ if: [], then: [{ kind: "put", key: WORK, value }] }, { signal: NEVER });
      if (outcome.done) this.writes.push({ epoch: guard.epoch, revision: outcome.revision });
    } catch (cause) {
      assert.ok(cause instanceof RouterError && /^(?:NOT_OWNER|STORE_)/u.test(cause.code), String(cause));
    }
  }

  #session(which: number): RiggedStore["sessions"][number] | undefined {
    const open = this.store.sessions.filter(({ isClosed }) => !isClosed);
    return open[which % open.length];
  }

  async #pass(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= STRIDE_MS) {
      this.store.clock.advance(Math.min(STRIDE_MS, leftMs));
      await this.store.settle();
    }
  }
}

for (const isFair of [true, false]) {
  const where = isFair ? "in a queue" : "where there is no order";
  test(`lock: whatever goes wrong, epochs rise, writes are in their order and nothing stays, ${where}`, async () => {
    const property = fc.asyncProperty(
      fc.array(action, { minLength: 20, maxLength: 60, size: "max" }),
      async (actions) => {
        await using store = RiggedStore.open();
        if (!isFair) store.beUnfair();
        const play = new Play(store);
        for (const one of actions) await play.act(one);
        await play.end();
        const rising = play.epochs.every((epoch, at) => at === 0 || epoch > play.epochs[at - 1]!);
        assert.ok(rising, `epochs ${play.epochs.join()}`);
        const writes = play.writes.toSorted((a, b) => Number(a.revision - b.revision));
        assert.ok(writes.every(({ epoch }, at) => at === 0 || epoch >= writes[at - 1]!.epoch));
        const left = (await store.entries()).map(({ key }) => key).filter((key) => key !== WORK);
        assert.deepEqual(left, []);
        assert.ok(
          store.sessions.every(({ isClosed }) => isClosed),
          "a session is left",
        );
        assert.equal(store.clock.pending, 0);
      },
    );
    await fc.assert(property, { numRuns: 50 });
  });
}
