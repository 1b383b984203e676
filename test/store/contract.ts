import { randomBytes } from "node:crypto";
import { after, before, describe } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { LeaseClient } from "../../src/store/lease.ts";
import type { StoreAdapter, StoreFacts, StoreObserver, StoreOptions } from "../../src/store/store.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { deadlines } from "./contract/deadlines.ts";
import { lags } from "./contract/lags.ts";
import { leases } from "./contract/leases.ts";
import { networkFaults } from "./contract/network-faults.ts";
import { reads } from "./contract/reads.ts";
import { resyncs } from "./contract/resyncs.ts";
import { txns } from "./contract/txns.ts";
import { watches } from "./contract/watches.ts";

/**
 * A running store of one kind, for the contract suite: opened once before its tests, and disposed
 * of after them. All that its clients see is one store. Each test writes below a prefix of its own.
 */
export interface StoreFixture extends AsyncDisposable {
  /** Another client; tests dispose of it. */
  openStore(options: StoreOptions): StoreAdapter;
  openLeases(options: StoreOptions): LeaseClient;
  /** All history up to now is forgotten. Absent: see `StoreSkips`. */
  compact?(): Promise<void>;
  /**
   * All that is in it is gone and revisions begin anew, at the same place; clients that are open
   * stay so. Comes last in the suite.
   */
  wipe?(): Promise<void>;
  /**
   * Until it is disposed of nobody answers clients that pass this way, new ones or old ones. Stores
   * over a network take `network.proxy` with mode `hold`, and open `client` through it.
   */
  silence(): Promise<AsyncDisposable>;
  /** What `silence` cannot hold up, since it needs nothing from outside. */
  readonly answersAlways: readonly ("get" | "list")[];
  /** A client that `silence` holds up. */
  openSilenced(options: StoreOptions): { readonly store: StoreAdapter; readonly leases: LeaseClient };
  /** Clients whose connections go through the proxy, and the proxy in front of a server. */
  readonly network?: StoreNetwork;
  /** Watches that are open in a client of `openStore`; for who can count them. */
  watching?(store: StoreAdapter): number;
}

export interface StoreNetwork {
  readonly proxy: FaultProxy;
  openStore(options: StoreOptions): StoreAdapter;
}

/** Why a part of the suite cannot run with a store: a reason each. */
export interface StoreSkips {
  readonly compact?: string;
  readonly wipe?: string;
  readonly network?: string;
}

export interface StoreContract {
  readonly facts: StoreFacts;
  /** Opens the fixture; called before the first test. */
  open(): Promise<StoreFixture>;
  readonly skips: StoreSkips;
  /** Those to be run; default: all. Parts that take long may be run beside the others. */
  readonly parts?: readonly ContractPart[];
  /** The whole suite cannot run, and why: the server cannot be had. */
  readonly skip?: string;
}

const PARTS = { reads, txns, watches, lags, leases, deadlines, networkFaults, resyncs } as const;
export type ContractPart = keyof typeof PARTS;
export const CONTRACT_PARTS = Object.keys(PARTS) as ContractPart[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the keys of a constant

/** What the parts of the suite share. */
export interface ContractWorld {
  readonly name: string;
  readonly facts: StoreFacts;
  readonly skips: StoreSkips;
  readonly options: StoreOptions;
  fixture(): StoreFixture;
  /** Of this test's keys; ends with a slash. */
  prefix(): string;
}

export const SILENT_OBSERVER: StoreObserver = {
  called: () => undefined,
  watchLag: () => undefined,
  resynced: () => undefined,
  renewed: () => undefined,
  sessionLost: () => undefined,
};

/** All that the port promises (src/store/store.ts), on a real store. */
export function storeContract(name: string, contract: StoreContract): void {
  const { facts, skips, parts = CONTRACT_PARTS, skip } = contract;
  // One after the other, whatever is said of what it is a part of: they share the faults.
  describe(`store contract: ${name}`, { skip, concurrency: 1 }, () => {
    let fixture: StoreFixture | undefined;
    let prefixes = 0;
    const run = randomBytes(4).toString("hex");
    const world: ContractWorld = {
      name,
      facts,
      skips,
      options: { clock: systemClock, random: seededRandom(1), observer: SILENT_OBSERVER },
      fixture() {
        if (fixture === undefined) throw new Error("the fixture is opened before the first test");
        return fixture;
      },
      prefix: () => `/contract-${run}/${prefixes++}/`,
    };
    before(async () => {
      fixture = await contract.open();
    });
    after(async () => await fixture?.[Symbol.asyncDispose]());
    for (const part of parts) PARTS[part](world);
  });
}
