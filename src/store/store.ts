/**
 * The coordination store as recipes and the fleet see it: one port, and three adapters
 * (`embedded/`, `etcd/`, `consul/`) that all pass the same contract suite (test/store/contract.ts).
 * It promises what the weakest of them can keep.
 *
 * Keys are of `A-Z a-z 0-9 . _ / -`, at most 512 bytes, begin with `/` and end with none; adapters
 * add nothing to them. Values are at most `MAX_VALUE_BYTES`. Nobody sees part of a transaction.
 */

import type { TimeAndChance } from "../core/time-and-chance.ts";
import type { TimeDifference } from "./server-time.ts";

/** 512 KiB: what Consul takes, and a third of what etcd takes. */
export const MAX_VALUE_BYTES = 524_288;

/**
 * Values of a transaction together: two thirds of what etcd takes, and what an embedded store
 * writes in one turn. Consul takes less than half, unless `txn_max_req_len` is raised.
 */
export const MAX_TXN_BYTES = 1_048_576;

/** Comparisons and writes of a transaction together: what Consul 1.8 takes. */
export const MAX_TXN_OPERATIONS = 64;

/** The three adapters. */
export type StoreKind = "embedded" | "etcd" | "consul";

/**
 * A number of the store that only grows, and is not the same as anything of another store: etcd's
 * revision, Consul's index. A store that was wiped begins again: see `StoreFacts`.
 */
export type Revision = bigint;

/** What a store is like, for those who wait, queue or tell people about it. */
export interface StoreFacts {
  readonly kind: StoreKind;
  /** Whether who asks first for a lock gets it first: not with Consul. */
  readonly isFair: boolean;
  /** The shortest session, in milliseconds: 3,000, with Consul 10,000. */
  readonly minTtlMs: number;
  /**
   * How long after its last renewal the store may take to end a session, as a multiple of its TTL:
   * Consul takes two, etcd one and up to a second more.
   */
  readonly expiryFactor: number;
  /** Whether watches tell every change, or may leave out those that others followed soon. */
  readonly hasHistory: boolean;
}

/** A key with its value, and since when. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** When the key came to be; another one after it was deleted. The fencing token of its holder. */
  readonly created: Revision;
  /** Of the last write. */
  readonly modified: Revision;
  /** The session that it ends with. */
  readonly session: string | undefined;
}

/** Every call ends: with its answer, at its deadline, or when the signal says so. */
export interface CallOptions {
  readonly signal: AbortSignal;
  /** From now, in milliseconds; default: `CALL_DEADLINE_MS`. */
  readonly deadlineMs?: number;
}

/** etcd gives a request up after 7 s; what it says then is worth waiting for. */
export const CALL_DEADLINE_MS = 9_000;

/** Which page of a listing. */
export interface ListOptions extends CallOptions {
  /** At most so many entries; default: all. */
  readonly limit?: number;
  /** Only keys after this one, in the order of their bytes. */
  readonly after?: string;
}

/** Keys below a prefix, at one revision. */
export interface Listing {
  /** In the order of the bytes of their keys. */
  readonly entries: readonly Entry[];
  /** They stood all together so at this revision, however many pages the store was asked for. */
  readonly revision: Revision;
  /** Whether there are more after `limit`. */
  readonly hasMore: boolean;
}

/** What has to be true for a transaction to be carried out. */
export type Compare =
  | { readonly kind: "absent"; readonly key: string }
  | { readonly kind: "created"; readonly key: string; readonly revision: Revision }
  | { readonly kind: "modified"; readonly key: string; readonly revision: Revision };

/**
 * A key is written once in a transaction; its value is borrowed until the call has ended. With a
 * session, the key must not belong to another one (it is then as if a comparison had failed);
 * without, it belongs to none afterwards.
 */
export type Write =
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array; readonly session?: string | undefined }
  | { readonly kind: "delete"; readonly key: string };

/** What is written if all comparisons hold. */
export interface Txn {
  /** All of them; none: always true. */
  readonly if: readonly Compare[];
  readonly then: readonly Write[];
  /**
   * Keys to read if not. etcd and the embedded store read them in the same transaction; Consul
   * right after it.
   */
  readonly else?: readonly string[];
}

/** Whether it was written, and at which revision. */
export type TxnOutcome =
  /** `revision`: `modified` of all that was put, and `created` of what is new. */
  | { readonly done: true; readonly revision: Revision }
  /** In the order of `else`. */
  | { readonly done: false; readonly entries: readonly (Entry | undefined)[] };

/**
 * What a watch tells: of states, not of every step on the way to them. Who applies each in order
 * has what the store has.
 */
export type WatchEvent =
  /** The first one, but for a `lost` where the store could not be reached: all that is there. */
  | { readonly kind: "snapshot"; readonly entries: readonly Entry[]; readonly revision: Revision }
  /** All that a transaction changed comes in one; several transactions may. */
  | {
      readonly kind: "changes";
      readonly puts: readonly Entry[];
      readonly deletes: readonly string[];
      readonly revision: Revision;
    }
  /**
   * All that was there when the watch (again) got through to the store has been told. Comes once
   * after the snapshot, and after each time that the connection was lost.
   */
  | { readonly kind: "synced"; readonly revision: Revision }
  /** The store cannot be reached: what was told may be old. Once, until `synced`. */
  | { readonly kind: "lost"; readonly reason: string }
  /**
   * What happened meanwhile is not known; this is the difference between what was told and what is
   * there now. `wiped`: the store's revisions began again.
   */
  | {
      readonly kind: "resync";
      readonly why: ResyncReason;
      readonly puts: readonly Entry[];
      readonly deletes: readonly string[];
      readonly revision: Revision;
    };

/** `diverged`: the regular comparison with a list found what no event had told. */
export const RESYNC_REASONS = ["compacted", "wiped", "diverged"] as const;
/** Why a watch was told a difference in the place of changes. */
export type ResyncReason = (typeof RESYNC_REASONS)[number];

/** How long a session outlives its last renewal. */
export interface SessionOptions extends CallOptions {
  /**
   * Until the store ends it after the last renewal; default 15 s, at least the store's least, at
   * most a day.
   */
  readonly ttlMs?: number;
}

export const SESSION_TTL_MS = 15_000;

/**
 * A lease that is renewed until it is closed or lost. Entries that were put with it are deleted by
 * the store when it ends.
 */
export interface Session extends AsyncDisposable {
  readonly id: string;
  /** What the store granted: never less than what was asked for. */
  readonly ttlMs: number;
  /**
   * Fires no later than the store lets anyone else have what is the session's: when it is closed,
   * or at a deadline of our own, which is counted from the sending of the last renewal that was
   * answered, by both clocks. A process that stood still is late: `validForMs`.
   */
  readonly lost: AbortSignal;
  /**
   * Milliseconds until that deadline, read from the clocks now; 0 once it is lost. To be asked
   * right before anything is done in the session's name: timers of a process that stood still are
   * late.
   */
  validForMs(): number;
  /** Ends it in the store, where that can be reached; does not throw. */
  close(): Promise<void>;
}

/**
 * All calls throw `RouterError` alone: `STORE_UNREACHABLE` (nothing was written; another try may
 * help), `STORE_UNKNOWN` (a transaction may or may not have been carried out, and could not be
 * settled within the deadline), `STORE_REFUSED` (rights, sizes, no room: trying again does not
 * help), `SESSION_LOST` (put with a session that has ended), `SHUTDOWN` (the store is disposed of),
 * or the signal's reason.
 */
export interface Store extends AsyncDisposable {
  readonly facts: StoreFacts;
  /** Never older than what any call, by anyone, had been told as done when this one began. */
  get(key: string, options: CallOptions): Promise<Entry | undefined>;
  /** All keys that begin with the prefix. */
  list(prefix: string, options: ListOptions): Promise<Listing>;
  /**
   * Is carried out once or not at all. An outcome that was lost on the way is settled by reading
   * what would be there, so values that others could write, too, carry a nonce. Where somebody else
   * has written over it, nobody can tell: `STORE_UNKNOWN`, and whoever asked reads what is there.
   */
  txn(txn: Txn, options: CallOptions): Promise<TxnOutcome>;
  /**
   * Ends with the signal, and with the disposal of the store: whatever happens to the server or on
   * the way is told or mended.
   */
  watch(prefix: string, options: WatchOptions): AsyncIterable<WatchEvent>;
  openSession(options: SessionOptions): Promise<Session>;
  /** Whether it answers, and what it says of itself. */
  check(options: CallOptions): Promise<StoreCheck>;
  /**
   * Forgets the history before this revision, which a watch that still wants it is told as a
   * resync. Absent where there is none that grows, or where it is not ours: `compact` of the
   * settings.
   */
  readonly compact?: ((revision: Revision, options: CallOptions) => Promise<void>) | undefined;
}

/**
 * What an adapter brings; sessions come to it in `open-store.ts`, over a `LeaseClient` of its kind.
 */
export type StoreAdapter = Omit<Store, "openSession">;

/** What adapters are given of the world. */
export interface StoreOptions extends TimeAndChance {
  readonly observer: StoreObserver;
}

/** Where a watch begins, and when it ends. */
export interface WatchOptions {
  readonly signal: AbortSignal;
}

/** What a store says of itself. */
export interface StoreCheck {
  /** Of a linearizable read. */
  readonly latencyMs: number;
  readonly version: string;
  readonly revision: Revision;
  /** Of the server's clock and this one; undefined: it tells no time, or has this machine's. */
  readonly clock: TimeDifference | undefined;
  /** What an operator should know and do: no compaction, no room, an endpoint that is down. */
  readonly warnings: readonly StoreWarning[];
}

/** What a store warns of. */
const STORE_WARNINGS = [
  "endpoint_down",
  "no_leader",
  "no_room",
  "little_room",
  "corrupt",
  "other_cluster",
  "old_version",
  "never_compacted",
  "network_file_system",
  /** Nobody is asked who they are, whatever they say of it. */
  "auth_off",
  /** What is not forbidden to somebody is allowed to all. */
  "auth_open",
  "no_credentials",
] as const;
/** What a store may warn of: a closed list. */
export type StoreWarningCode = (typeof STORE_WARNINGS)[number];

/** Something that is wrong with a store, and what to do about it. */
export interface StoreWarning {
  readonly code: StoreWarningCode;
  readonly message: string;
  readonly hint: string;
}

/** Told what a store does, for metrics and the log. */
export interface StoreObserver {
  called(operation: StoreOperation, outcome: StoreCallOutcome, tookMs: number): void;
  /** So old at most was what a watch had told: see watch-lag.ts. */
  watchLag(lagMs: number): void;
  resynced(prefix: string, why: ResyncReason): void;
  /** How much of the lease was left when the renewal was answered. */
  renewed(marginMs: number): void;
  sessionLost(why: SessionLoss): void;
  /** A lock or a leadership (`lock "nightly"`) is this process's, by this epoch. */
  held?(what: string, epoch: Revision): void;
  /** No more. Where it was lost, this may be told after it was had anew. */
  heldNoMore?(what: string, epoch: Revision): void;
  /** What the library that speaks with the store says by itself. */
  said?(text: string): void;
}

/**
 * `ended`: the store says that it has ended. `unanswered`: no renewal was answered in time.
 * `stalled`: the main loop stood still for longer than the session's TTL. `thread_died`: the thread
 * that renewed it ended.
 */
export const SESSION_LOSSES = ["ended", "unanswered", "stalled", "thread_died"] as const;
/** Why a session was lost. */
export type SessionLoss = (typeof SESSION_LOSSES)[number];

const STORE_OPERATIONS = ["get", "list", "txn", "open_session", "renew", "close_session", "watch"] as const;
/** The calls of a store, as metrics name them. */
export type StoreOperation = (typeof STORE_OPERATIONS)[number];
const STORE_CALL_OUTCOMES = ["done", "not_done", "unreachable", "unknown", "refused", "cancelled"] as const;
/** How a call ended, as metrics name it. */
export type StoreCallOutcome = (typeof STORE_CALL_OUTCOMES)[number];

/** Plain data: the thread that renews leases opens a connection of its own from it. */
export type StoreSettings = EmbeddedSettings | EtcdSettings | ConsulSettings;

/** A store in a file of this machine. */
export interface EmbeddedSettings {
  readonly kind: "embedded";
  /** `store.sqlite` in the node's data directory; `:memory:` for tests and demos. */
  readonly file: string;
}

/** A store in etcd. */
export interface EtcdSettings {
  readonly kind: "etcd";
  /** `http://host:port` or `https://`. */
  readonly endpoints: readonly string[];
  readonly tls?: StoreTls | undefined;
  readonly user?: { readonly name: string; readonly password: string } | undefined;
  /** Whether history is compacted by whoever leads: only in an etcd that nobody else uses. */
  readonly compact: boolean;
}

/** A store in Consul. */
export interface ConsulSettings {
  readonly kind: "consul";
  readonly endpoints: readonly string[];
  readonly tls?: StoreTls | undefined;
  readonly token?: string | undefined;
}

/** PEM texts. */
export interface StoreTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}
