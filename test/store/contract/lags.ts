import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoreAdapter, StoreOptions } from "../../../src/store/store.ts";
import { HeldClock } from "../../support/held-clock.ts";
import type { ContractWorld } from "../contract.ts";
import { put, write } from "./calls.ts";
import { Follower } from "./follower.ts";

/** When the next watch has its turn (src/store/watch-lag.ts). */
const TURN = [12_000, 18_000] as const;

/** How old what a watch told may be is measured without a write. */
export function lags(world: ContractWorld): void {
  test("watch lag: of a watch that has all there is, also where nothing was ever written", async ({ signal }) => {
    const lag = new Measured(world.options);
    await using store = world.fixture().openStore(lag.options);
    await using follower = new Follower(store, world.prefix());
    await follower.until(() => follower.isSynced, "the snapshot");
    await lag.turn();
    await lag.until(1);
    await write(store, [put(`${world.prefix()}elsewhere`)], signal);
    await lag.turn();
    await lag.until(2);
  });
}

/** Over a network. */
export function networkLags(world: ContractWorld): void {
  test("watch lag: lasts until the connection of the watch brings what others can read", async ({ signal }) => {
    await using network = await world.fixture().openNetwork?.();
    assert.ok(network, "a store without a network has no such part");
    const { proxy } = network;
    const lag = new Measured(world.options);
    const prefix = world.prefix();
    await using direct = world.fixture().openStore(world.options);
    await using store = network.openStore(lag.options);
    // Calls are not held up: Consul's have as many connections as there are at a time.
    await Promise.all(["a", "b", "c"].map((key) => store.get(`${prefix}${key}`, { signal })));
    proxy.spareOpen();
    await using follower = new Follower(store, prefix);
    await follower.until(() => follower.isSynced, "the snapshot");
    proxy.mode = "hold";
    const last = await write(direct, [put(`${prefix}a`)], signal);
    for (const count of [0, 1]) {
      await lag.turn();
      await untilReadable(store, `${prefix}a`, signal);
      assert.equal(lag.count, count, "no more than what it is so far");
    }
    const [soFar] = await lag.until(1);
    proxy.mode = "pass";
    await follower.until(() => follower.revision >= last, "what was held up");
    const [, all] = await lag.until(2);
    assert.ok(soFar !== undefined && all !== undefined && all >= soFar, `${soFar} ms, then ${all} ms`);
  });
}

/** The lags that a store tells, when the test has it measure them. */
class Measured {
  readonly options: StoreOptions;
  readonly #clock = new HeldClock();
  readonly #lags: number[] = [];
  #told = Promise.withResolvers<void>();

  constructor(options: StoreOptions) {
    const watchLag = (ms: number): void => {
      this.#lags.push(ms);
      this.#told.resolve();
      this.#told = Promise.withResolvers();
    };
    this.options = { ...options, clock: this.#clock, observer: { ...options.observer, watchLag } };
  }

  get count(): number {
    return this.#lags.length;
  }

  /** The next watch has its turn. */
  async turn(): Promise<void> {
    await this.#clock.runNext(...TURN);
  }

  /** So many in all. */
  async until(wanted: number): Promise<readonly number[]> {
    while (this.#lags.length < wanted) await this.#told.promise;
    return this.#lags;
  }
}

/** By the connection that was asked for the newest revision, and so after that was answered. */
async function untilReadable(store: StoreAdapter, key: string, signal: AbortSignal): Promise<void> {
  for (let i = 0; i < 5; i++) assert.ok(await store.get(key, { signal }));
}
