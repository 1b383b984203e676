import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cancel, Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { MemoryLeases } from "../../../test/support/memory-leases.ts";
import type { SessionOptions, StoreFacts, StoreObserver, StoreOptions } from "../store.ts";
import { grantLease } from "./lease-renewer.ts";
import { linkInLoop } from "./loop-link.ts";
import { momentOf } from "./moment.ts";
import type { RenewalListener } from "./renewal-link.ts";
import { SessionCell } from "./session-cell.ts";
import { CLOSE_MS, MAX_SESSIONS, Sessions } from "./sessions.ts";

const FACTS: StoreFacts = { kind: "embedded", isFair: true, minTtlMs: 3_000, expiryFactor: 1, hasHistory: true };

/** The holder's clock, whose timers wait while its loop stands still. */
class HeldUpClock implements Clock {
  readonly #clock: ManualClock;
  #waiting: (() => void)[] | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(delayMs: number, run: () => void): Cancel {
    let isCancelled = false;
    const fire = (): void => {
      if (this.#waiting !== undefined) this.#waiting.push(fire);
      else if (!isCancelled) run();
    };
    const cancel = this.#clock.after(delayMs, fire);
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  /** A message to the holder. */
  turn(run: () => void): void {
    if (this.#waiting === undefined) run();
    else this.#waiting.push(run);
  }

  stop(): void {
    this.#waiting = [];
  }

  goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const run of waiting) run();
  }
}

class World {
  readonly clock = new ManualClock();
  readonly holder = new HeldUpClock(this.clock);
  readonly leases = new MemoryLeases(this.clock);
  /** As the library that speaks with the store does, where leases are renewed. */
  say: (text: string) => void = () => undefined;
  readonly told: string[] = [];
  readonly sessions: Sessions;
  listener: RenewalListener | undefined;
  links = 0;
  /** Connections that fail at once. */
  unopened = 0;

  constructor() {
    const { clock, told } = this;
    const observer: StoreObserver = {
      called: () => undefined,
      watchLag: () => undefined,
      resynced: () => undefined,
      renewed: (marginMs) => told.push(`renewed with ${marginMs}`),
      sessionLost: (why) => told.push(`lost: ${why}`),
      said: (text) => told.push(`said: ${text}`),
    };
    const openLeases = async (_settings: unknown, options: StoreOptions): Promise<MemoryLeases> => {
      this.say = (text) => options.observer.said?.(text);
      return this.#open();
    };
    const inLoop = linkInLoop({ clock, random: seededRandom(1), openLeases });
    this.sessions = new Sessions({
      clock: this.holder,
      observer,
      facts: FACTS,
      settings: { kind: "embedded", file: ":memory:" },
      link: (store, listener) => {
        this.links++;
        this.listener = listener;
        const turning: RenewalListener = {
          receive: (message) => this.holder.turn(() => listener.receive(message)),
          died: (reason) => listener.died(reason),
        };
        return inLoop(store, turning);
      },
    });
  }

  async #open(): Promise<MemoryLeases> {
    if (this.unopened-- > 0) throw new RouterError("STORE_REFUSED", "the file is damaged");
    return this.leases;
  }

  open(options: Partial<SessionOptions> = {}): ReturnType<Sessions["open"]> {
    return this.sessions.open({ ttlMs: 3_000, signal: new AbortController().signal, ...options });
  }

  /** In steps, so that what is answered in between is seen. */
  async pass(ms: number, stepMs = 50): Promise<void> {
    await settled();
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(Math.min(stepMs, ms - passed));
      await settled();
    }
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("a session lives for as long as it is renewed, a third of its TTL after each answer", async () => {
  const world = new World();
  const session = await world.open();
  await world.pass(10_000);
  assert.deepEqual(world.leases.renewals.slice(0, 4), [1_000, 2_000, 3_000, 4_000]);
  assert.deepEqual(new Set(world.told), new Set(["renewed with 1000"]));
  assert(!session.lost.aborted && session.validForMs() > 0 && session.validForMs() <= 2_000);
  await session.close();
  assert.deepEqual([session.validForMs(), world.leases.ends.size, session.lost.aborted], [0, 0, true]);
  assert(!world.told.some((line) => line.startsWith("lost")));
  assert.equal(world.clock.pending, 0);
});

test("what the library of the store says where leases are renewed is told by the store", async () => {
  const world = new World();
  const session = await world.open();
  world.say("it rains");
  await settled();
  assert.deepEqual(world.told, ["said: it rains"]);
  await session.close();
});

test("a TTL that is shorter than the store's least is raised to it, and one that it raises is believed", async () => {
  const world = new World();
  world.leases.moreMs = 2_000;
  const session = await world.open({ ttlMs: 100 });
  assert.deepEqual([session.ttlMs, session.validForMs()], [5_000, 4_000]);
  for (const ttlMs of [Number.NaN, 0, Number.POSITIVE_INFINITY, 90 * 86_400_000]) {
    await assert.rejects(world.open({ ttlMs }), { code: "STORE_REFUSED" });
  }
  assert((await world.open({ ttlMs: 86_400_000 })).ttlMs >= 86_400_000);
});

test("a renewal that fails is tried again sooner, and in time for the session to live", async () => {
  const world = new World();
  const session = await world.open();
  world.leases.answers = "unreachable";
  await world.pass(1_600);
  const tries = world.leases.renewals.length;
  assert(tries >= 2, `${tries} tries`);
  world.leases.answers = "all";
  await world.pass(3_000);
  assert(!session.lost.aborted);
});

for (const answers of ["unreachable", "silent", "nothing"] as const) {
  test(`a store that answers nothing (${answers}): lost before it can be another's, and for good`, async () => {
    const world = new World();
    const session = await world.open();
    session.lost.addEventListener("abort", () => world.told.push(`in the store: ${world.leases.has(session.id)}`));
    world.leases.answers = answers;
    await world.pass(1_950);
    assert(session.validForMs() > 0);
    await world.pass(50);
    assert(session.lost.aborted);
    assert.match(String(session.lost.reason), /no renewal was answered in time/u);
    assert.deepEqual(world.told, ["lost: unanswered", "in the store: true"]);
    world.leases.answers = "all";
    await world.pass(10_000);
    assert.equal(session.validForMs(), 0);
    await session.close();
  });
}

test("what the store says has ended is lost at once", async () => {
  const world = new World();
  const session = await world.open();
  world.leases.ends.clear();
  await world.pass(1_000);
  assert.deepEqual([session.lost.aborted, session.validForMs(), world.told], [true, 0, ["lost: ended"]]);
  assert.equal((session.lost.reason as { code: string }).code, "SESSION_LOST");
});

test("a wall clock that went on while the other stood still loses a session at the first look", async () => {
  const world = new World();
  const session = await world.open();
  world.clock.stepWall(2_000);
  assert.equal(session.validForMs(), 0);
  assert(session.lost.aborted);
  assert.deepEqual(world.told, ["lost: unanswered"]);
});

test("a wall clock that is set back makes nothing valid for longer", async () => {
  const world = new World();
  const session = await world.open();
  world.leases.answers = "unreachable";
  world.clock.stepWall(-3_600_000);
  await world.pass(2_000);
  assert(session.lost.aborted);
});

test("a loop that stands still for two thirds of the TTL keeps its session", async () => {
  const world = new World();
  const session = await world.open();
  for (let round = 0; round < 5; round++) {
    world.holder.stop();
    await world.pass(2_000);
    assert(session.validForMs() > 0);
    world.holder.goOn();
    await world.pass(300);
  }
  assert(!session.lost.aborted && world.leases.has(session.id));
});

test("a loop that stands still for longer than the TTL loses it, and knows before the store ends it", async () => {
  const world = new World();
  const session = await world.open();
  await world.pass(1_300);
  world.holder.stop();
  const stoppedMs = world.clock.nowMs();
  let wasValid = true;
  for (let ms = 0; ms < 6_000; ms += 10) {
    await world.pass(10, 10);
    // Without a turn of its loop, as a computation would ask.
    if (wasValid && session.validForMs() === 0) {
      wasValid = false;
      assert(world.clock.nowMs() - stoppedMs <= 3_000);
    } else if (!world.leases.has(session.id)) {
      assert(!wasValid, "another may have it while its holder believes in it");
    }
  }
  world.holder.goOn();
  assert.deepEqual([session.validForMs(), session.lost.aborted, wasValid], [0, true, false]);
  assert(world.told.includes("lost: stalled"));
});

test("the store need not wait for a loop that stands still, and is told when its session is given up", async () => {
  const world = new World();
  const session = await world.open();
  world.holder.stop();
  await world.pass(3_050);
  assert.deepEqual([world.leases.has(session.id), session.lost.aborted], [false, false]);
  world.holder.goOn();
  assert(session.lost.aborted);
});

test("a loop that turns while the other thread looks whether it does keeps its session", async () => {
  const clock = new ManualClock();
  const cell = new SessionCell();
  cell.beat(momentOf(clock));
  const holder = new SessionCell(cell.memory);
  const leases = new MemoryLeases(clock);
  const lost: string[] = [];
  const looking: Clock = {
    nowMs: () => clock.nowMs(),
    // The clock is read after the last beat.
    wallMs: () => {
      if (clock.nowMs() >= 3_000) beat();
      return clock.wallMs();
    },
    after: (delayMs, run) => clock.after(delayMs, run),
  };
  const beat = (): void => cell.beat({ machineMs: clock.nowMs(), wallMs: clock.wallMs() });
  await grantLease(3_000, {
    clock: looking,
    random: seededRandom(1),
    client: leases,
    cell: holder,
    call: { signal: new AbortController().signal },
    renewed: () => undefined,
    lost: (why) => lost.push(why),
  });
  for (let ms = 0; ms < 3_000; ms += 50) {
    clock.advance(50);
    await settled();
  }
  assert.deepEqual(lost, []);
});

test("a process that stood still as a whole finds its session lost in its first step", async () => {
  const world = new World();
  const session = await world.open();
  world.clock.stepWall(0);
  const { clock } = world;
  const frozen = clock.nowMs();
  clock.advance = () => assert.fail("no timer of anybody's runs");
  const nowMs = clock.nowMs.bind(clock);
  clock.nowMs = () => nowMs() + (frozen === nowMs() ? 2_000 : 0);
  assert.equal(session.validForMs(), 0);
});

test("closing waits for a store that does not answer no longer than its bound, and does not throw", async () => {
  const world = new World();
  const session = await world.open();
  world.leases.answers = "nothing";
  const closing = session.close();
  assert.equal(session.validForMs(), 0);
  await world.pass(CLOSE_MS);
  await closing;
  assert.equal(world.leases.asked.at(-1)?.what, "revoke");
  await session[Symbol.asyncDispose]();
});

test("a session that cannot be opened says why, and leaves nothing in the store", async () => {
  const world = new World();
  world.leases.answers = "unreachable";
  await assert.rejects(world.open(), { code: "STORE_UNREACHABLE", message: "no way to the store" });
  world.leases.answers = "silent";
  const late = assert.rejects(world.open({ deadlineMs: 1_000 }), { code: "STORE_UNREACHABLE" });
  await world.pass(1_000);
  await late;
  const stop = new AbortController();
  const stopped = assert.rejects(world.open({ signal: stop.signal }), { message: "enough" });
  stop.abort(new Error("enough"));
  await stopped;
  await world.sessions[Symbol.asyncDispose](); // waits for no call that nobody wants any more
});

test("a connection that could not be opened is opened again for the next session", async () => {
  const world = new World();
  world.unopened = 1;
  await assert.rejects(world.open(), { code: "STORE_REFUSED", message: "the file is damaged" });
  assert((await world.open()).validForMs() > 0);
});

test("sessions are closed with their store, and then there are no more", async () => {
  const world = new World();
  const sessions = await Promise.all([world.open(), world.open()]);
  await world.sessions[Symbol.asyncDispose]();
  assert.deepEqual([world.leases.ends.size, world.leases.isClosed], [0, true]);
  assert(sessions.every(({ lost }) => lost.aborted));
  await assert.rejects(world.open(), { code: "STORE_UNREACHABLE" });
});

test("a thread that dies takes its sessions along, and the next one starts another", async () => {
  const world = new World();
  const session = await world.open();
  world.listener?.died("it ran out of memory");
  assert.deepEqual([session.validForMs(), session.lost.aborted, world.told], [0, true, ["lost: thread_died"]]);
  assert.match(String(session.lost.reason), /ran out of memory/u);
  await session.close();
  await world.open();
  assert.equal(world.links, 2);
});

test("sessions are bounded", async () => {
  const world = new World();
  await Promise.all(Array.from({ length: MAX_SESSIONS }, () => world.open()));
  await assert.rejects(world.open(), { code: "STORE_REFUSED" });
});
