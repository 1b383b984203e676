import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { on, once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { RouterError } from "../../../src/core/errors.ts";
import { machineMs, systemClock } from "../../../src/core/clock.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Store, StoreObserver, StoreSettings, WatchEvent } from "../../../src/store/store.ts";
import { PATIENCE_MS } from "../../support/patience.ts";
import type { HolderMessage, HolderTask } from "./holder.ts";

export interface RenewalFixture extends AsyncDisposable {
  readonly settings: StoreSettings;
}

export interface RenewalSuite {
  /** Of the first trial. */
  readonly ttlMs: number;
  readonly open: () => Promise<RenewalFixture>;
  readonly skip?: string | undefined;
  /** Why no process is stopped. */
  readonly skipStopped?: string;
}

/** Of the one that has to be renewed meanwhile. */
const COMPUTE_TTL_MS = 9_000;
const SUCCESSOR = "successor";
/** Each with twice the TTL of the one before: so slow may a machine be. */
const TRIALS = 3;

/** Nothing was answered for a whole TTL: what was asked about could not be seen. */
class TooSlow extends Error {}

/** Fails with `TooSlow` where the session was lost, but not because of what was done to it. */
function checkSpeed({ isLost, why }: { readonly isLost: boolean; readonly why: string }): void {
  if (isLost && /no renewal was answered/u.test(why)) throw new TooSlow(why);
}

const SILENT: StoreObserver = {
  called: () => undefined,
  watchLag: () => undefined,
  resynced: () => undefined,
  renewed: () => undefined,
  sessionLost: () => undefined,
};

/** Sessions of a process whose main loop, or all of which, stands still; on a real store. */
export function renewalSuite(name: string, { ttlMs, open, skip, skipStopped }: RenewalSuite): void {
  describe(`renewal of sessions: ${name}`, { skip, concurrency: true }, () => {
    let fixture: RenewalFixture | undefined;
    const run = async (mode: HolderTask["mode"], body: (trial: Trial) => Promise<void>): Promise<void> => {
      assert(fixture !== undefined);
      const { settings } = fixture;
      let trialTtlMs = mode === "compute" ? Math.max(ttlMs, COMPUTE_TTL_MS) : ttlMs;
      for (let left = TRIALS; ; trialTtlMs *= 2) {
        try {
          await using trial = await Trial.start({ settings, ttlMs: trialTtlMs, mode });
          return await body(trial);
        } catch (cause) {
          if (!(cause instanceof TooSlow) || --left === 0) throw cause;
        }
      }
    };
    before(async () => {
      fixture = await open();
    });
    after(async () => await fixture?.[Symbol.asyncDispose]());

    test("a main loop that is blocked for two thirds of the TTL keeps its session", async () => {
      await run("compute", async (trial) => {
        const woke = await trial.next("woke");
        const turned = await trial.next("turned");
        checkSpeed(turned);
        assert(woke.validForMs > 0 && !turned.isLost, turned.why);
        assert.deepEqual([trial.deletes, await trial.value()], [[], "holder"]);
      });
    });

    test("a main loop that is wedged for longer loses it, and knows before another has what it held", async () => {
      await run("wedge", async (trial) => {
        const gotMs = await trial.takeOver();
        trial.touch();
        const woke = await trial.next("woke");
        assert.equal(woke.validForMs, 0);
        assert(woke.toldUntilMs > 0 && woke.toldUntilMs <= gotMs, `${woke.toldUntilMs - gotMs} ms too long`);
        const turned = await trial.next("turned");
        assert(turned.isLost);
        checkSpeed(turned);
        assert.match(turned.why, /stood still/u);
      });
    });

    test("a process that is stopped past its TTL finds it lost in its first step", { skip: skipStopped }, async () => {
      await run("stop", async (trial) => {
        trial.child.kill("SIGSTOP");
        const gotMs = await trial.takeOver();
        trial.touch();
        trial.child.kill("SIGCONT");
        const woke = await trial.next("woke");
        assert.equal(woke.validForMs, 0);
        assert(woke.toldUntilMs > 0 && woke.toldUntilMs <= gotMs, `${woke.toldUntilMs - gotMs} ms too long`);
        assert((await trial.next("turned")).isLost);
      });
    });
  });
}

/** A process that holds a key, and one (this) that wants it. */
class Trial implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #store: Store;
  readonly #key: string;
  readonly #folder: string;
  readonly #messages: AsyncIterator<[HolderMessage]>;
  readonly #stop = new AbortController();
  readonly #events: AsyncIterator<WatchEvent>;
  /** What the watch told that was deleted. */
  readonly deletes: string[] = [];

  private constructor(child: ChildProcess, store: Store, key: string, folder: string) {
    this.child = child;
    this.#store = store;
    this.#key = key;
    this.#folder = folder;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(PATIENCE_MS)]);
    this.#messages = on(child, "message", { signal }) as AsyncIterator<[HolderMessage]>;
    this.#events = store.watch(key, { signal: this.#stop.signal })[Symbol.asyncIterator]();
  }

  /** When the process holds the key, and this one watches it. */
  static async start({ settings, ttlMs, mode }: Pick<HolderTask, "settings" | "ttlMs" | "mode">): Promise<Trial> {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-renewal-"));
    const key = `/renewal-${randomBytes(4).toString("hex")}/${mode}`;
    const task: HolderTask = { settings, ttlMs, key, mode, file: join(folder, "go-on") };
    const store = await openStore(settings, { clock: systemClock, random: systemRandom, observer: SILENT });
    const child = fork(fileURLToPath(new URL("holder.ts", import.meta.url)), [JSON.stringify(task)], { execArgv: [] });
    const trial = new Trial(child, store, key, folder);
    try {
      await trial.next("holds");
    } catch (cause) {
      await trial[Symbol.asyncDispose]();
      throw cause;
    }
    void trial.#watch();
    return trial;
  }

  async next<Kind extends HolderMessage["kind"]>(kind: Kind): Promise<Extract<HolderMessage, { kind: Kind }>> {
    const ended = once(this.child, "exit").then(() => assert.fail(`the holder ended, and did not tell: ${kind}`));
    const { value } = await Promise.race([this.#messages.next(), ended]);
    const [message] = value as [HolderMessage];
    if (message.kind === "lost_early") throw new TooSlow(message.why);
    assert.equal(message.kind, kind);
    return message as Extract<HolderMessage, { kind: Kind }>;
  }

  /**
   * Takes the key as soon as the store lets it have it, and says when it had it: somewhere within
   * the call that took it.
   */
  async takeOver(): Promise<number> {
    const { signal } = this.#stop;
    for (;;) {
      if (await this.#take(signal)) return machineMs(systemClock);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #take(signal: AbortSignal): Promise<boolean> {
    const put = { kind: "put", key: this.#key, value: Buffer.from(SUCCESSOR) } as const;
    try {
      return (await this.#store.txn({ if: [{ kind: "absent", key: this.#key }], then: [put] }, { signal })).done;
    } catch (cause) {
      // A store that answers late does not say whether it was done.
      if (!(cause instanceof RouterError) || !cause.code.startsWith("STORE_UN")) throw cause;
      return (await this.value().catch(() => undefined)) === SUCCESSOR;
    }
  }

  /** What the key has now. */
  async value(): Promise<string | undefined> {
    const entry = await this.#store.get(this.#key, { signal: this.#stop.signal });
    return entry === undefined ? undefined : Buffer.from(entry.value).toString();
  }

  /** The process that waits for it goes on. */
  touch(): void {
    writeFileSync(join(this.#folder, "go-on"), "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the test is over"));
    if (this.child.exitCode === null) {
      const gone = once(this.child, "exit");
      this.child.kill("SIGKILL");
      await gone;
    }
    await this.#store[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true });
  }

  async #watch(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#events.next().catch(() => ({ value: undefined, done: true as const }));
      if (done === true) return;
      if (value.kind === "changes" || value.kind === "resync") this.deletes.push(...value.deletes);
    }
  }
}
