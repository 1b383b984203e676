import { randomBytes } from "node:crypto";
import { after, before, describe } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { LeaseClient } from "../../src/store/lease.ts";
import type { StoreAdapter, StoreFacts, StoreObserver, StoreOptions } from "../../src/store/store.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { deadlines } from "./contract/deadlines.ts";
import { lags, networkLags } from "./contract/lags.ts";
import { leases } from "./contract/leases.ts";
import { catchUps, networkFaults } from "./contract/network-faults.ts";
import { reads } from "./contract/reads.ts";
import { compaction, wipes } from "./contract/resyncs.ts";
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
  /** All history up to now is forgotten. For the part `compaction`. */
  compact?(): Promise<void>;
  /**
   * All that is in it is gone and revisions begin anew, at the same place; clients that are open
   * stay so. For the part `wipes`.
   */
  wipe?(): Promise<void>;
  /**
   * Until it is disposed of nobody answers clients that pass this way, new ones or old ones. Stores
   * over a network take a proxy with mode `hold`.
   */
  silence(): Promise<AsyncDisposable>;
  /** What `silence` cannot hold up, since it needs nothing from outside. */
  readonly answersAlways: readonly ("get" | "list")[];
  /** A client that `silence` holds up. */
  openSilenced(options: StoreOptions): { readonly store: StoreAdapter; readonly leases: LeaseClient };
  /** Another way to the store, which can have faults. For stores that have a network. */
  openNetwork?(): Promise<StoreNetwork>;
  /** Watches that are open in a client of `openStore`; for who can count them. */
  watching?(store: StoreAdapter): number;
}

/** A proxy in front of a server, and clients whose connections go through it. */
export interface StoreNetwork extends AsyncDisposable {
  readonly proxy: FaultProxy;
  openStore(options: StoreOptions): StoreAdapter;
}

export interface StoreContract {
  readonly facts: StoreFacts;
  /** Opens the fixture; called before the first test. */
  open(): Promise<StoreFixture>;
  /** Those of the suite that the store has; default: all. */
  readonly parts?: readonly ContractPart[];
  /** The whole suite cannot run, and why: the server cannot be had. */
  readonly skip?: string;
}

const ONE_BY_ONE = { reads, txns, watches, lags, deadlines } as const;
/** What waits, and has faults of its own: all of it at the same time. */
const TOGETHER = { leases, networkLags, catchUps, networkFaults } as const;
/** What changes the store for all who use it. */
const LAST = { compaction, wipes } as const;
const PARTS = { ...ONE_BY_ONE, ...TOGETHER, ...LAST } as const;
export type ContractPart = keyof typeof PARTS;
export const CONTRACT_PARTS = Object.keys(PARTS) as ContractPart[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the keys of a constant

/** What the parts of the suite share. */
export interface ContractWorld {
  readonly name: string;
  readonly facts: StoreFacts;
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
  const { facts, parts = CONTRACT_PARTS, skip } = contract;
  const partsOf = (all: Partial<typeof PARTS>): ContractPart[] => parts.filter((part) => part in all);
  // One after the other, whatever is said of what it is a part of: they share the faults.
  describe(`store contract: ${name}`, { skip, concurrency: 1 }, () => {
    let fixture: StoreFixture | undefined;
    let prefixes = 0;
    const run = randomBytes(4).toString("hex");
    const world: ContractWorld = {
      name,
      facts,
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
    for (const part of partsOf(ONE_BY_ONE)) PARTS[part](world);
    describe("what waits, together", { concurrency: true }, () => {
      for (const part of partsOf(TOGETHER)) PARTS[part](world);
    });
    for (const part of partsOf(LAST)) PARTS[part](world);
  });
}
