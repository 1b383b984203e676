import { RouterError } from "../../src/core/errors.ts";
import {
  type CallOptions,
  type Compare,
  type Entry,
  type Listing,
  type ListOptions,
  type Revision,
  type Session,
  type SessionOptions,
  type Store,
  type StoreCheck,
  type StoreFacts,
  type StoreWarning,
  type Txn,
  type TxnOutcome,
  type WatchEvent,
} from "../../src/store/store.ts";

/** A store in memory whose faults are a test's to make; the contract's happy part, and no time. */
export class FakeStore implements Store {
  readonly facts: StoreFacts = { kind: "embedded", isFair: true, minTtlMs: 3_000, expiryFactor: 1, hasHistory: true };
  /** Transactions that were carried out. */
  txns = 0;
  warnings: StoreWarning[] = [];
  clock: StoreCheck["clock"];
  #away: RouterError | undefined;
  #revision: Revision = 1n;
  #sessions = 0;
  readonly #entries = new Map<string, Entry>();
  readonly #open = new Map<string, AbortController>();
  readonly #watches = new Set<(event: WatchEvent) => void>();

  get sessions(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** From now on calls fail so, and watches are told; undefined: they work again. */
  setAway(code: "STORE_UNREACHABLE" | "STORE_REFUSED" | undefined): void {
    const was = this.#away;
    this.#away = code && new RouterError(code, "the test has cut it off");
    if (code !== undefined) this.#tell({ kind: "lost", reason: "cut off" });
    else if (was !== undefined) this.#tell({ kind: "synced", revision: this.#revision });
  }

  /** Its entries go, and its holder is told, as when it has expired. */
  expire(id: string): void {
    this.#open.get(id)?.abort(new RouterError("SESSION_LOST", `${id} has ended`));
    this.#end(id);
  }

  /** The holder gives it up before the store does: its entries stay. */
  doubt(id: string): void {
    this.#open.get(id)?.abort(new RouterError("SESSION_LOST", `${id} is past its deadline`));
  }

  /** Somebody else does so by hand. */
  put(key: string, text: string): void {
    this.#apply([{ kind: "put", key, value: new TextEncoder().encode(text) }]);
  }

  delete(key: string): void {
    this.#apply([{ kind: "delete", key }]);
  }

  /** What a call does when the store cannot be reached. */
  async failed(code: "STORE_UNREACHABLE" | "STORE_REFUSED" = "STORE_UNREACHABLE"): Promise<never> {
    throw new RouterError(code, "the test has cut it off");
  }

  keys(): string[] {
    return [...this.#entries.keys()].toSorted();
  }

  async get(key: string, { signal }: CallOptions): Promise<Entry | undefined> {
    this.#enter(signal);
    return this.#entries.get(key);
  }

  async list(prefix: string, { signal, limit = Number.POSITIVE_INFINITY, after = "" }: ListOptions): Promise<Listing> {
    this.#enter(signal);
    const all = this.#below(prefix).filter(({ key }) => key > after);
    return { entries: all.slice(0, limit), revision: this.#revision, hasMore: all.length > limit };
  }

  async txn(txn: Txn, { signal }: CallOptions): Promise<TxnOutcome> {
    this.#enter(signal);
    const isOthers = txn.then.some((write) => {
      const owner = this.#entries.get(write.key)?.session;
      return write.kind === "put" && write.session !== undefined && owner !== undefined && owner !== write.session;
    });
    for (const write of txn.then) {
      if (write.kind !== "put" || write.session === undefined || this.#open.has(write.session)) continue;
      throw new RouterError("SESSION_LOST", `${write.session} has ended`);
    }
    if (isOthers || !txn.if.every((compare) => this.#holds(compare))) {
      return { done: false, entries: (txn.else ?? []).map((key) => this.#entries.get(key)) };
    }
    this.txns++;
    return { done: true, revision: this.#apply(txn.then) };
  }

  async *watch(prefix: string, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<WatchEvent> {
    const queue: WatchEvent[] = this.#away
      ? [{ kind: "lost", reason: "cut off" }]
      : [
          { kind: "snapshot", entries: this.#below(prefix), revision: this.#revision },
          { kind: "synced", revision: this.#revision },
        ];
    let wake = Promise.withResolvers<void>();
    const hear = (event: WatchEvent): void => {
      if (event.kind !== "changes") queue.push(event);
      else {
        const puts = event.puts.filter(({ key }) => key.startsWith(prefix));
        const deletes = event.deletes.filter((key) => key.startsWith(prefix));
        if (puts.length + deletes.length > 0) queue.push({ ...event, puts, deletes });
      }
      wake.resolve();
    };
    const onAbort = (): void => wake.resolve();
    this.#watches.add(hear);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else {
          await wake.promise;
          wake = Promise.withResolvers<void>();
        }
      }
    } finally {
      this.#watches.delete(hear);
      signal.removeEventListener("abort", onAbort);
    }
  }

  async openSession({ signal, ttlMs = 15_000 }: SessionOptions): Promise<Session> {
    this.#enter(signal);
    const id = `s${++this.#sessions}`;
    const lost = new AbortController();
    this.#open.set(id, lost);
    const close = async (): Promise<void> => {
      lost.abort(new RouterError("SESSION_LOST", `${id} was closed`));
      if (this.#away === undefined) this.#end(id);
    };
    return {
      id,
      ttlMs,
      lost: lost.signal,
      validForMs: () => (lost.signal.aborted ? 0 : ttlMs - 1_500),
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  async check({ signal }: CallOptions): Promise<StoreCheck> {
    this.#enter(signal);
    return { latencyMs: 1, version: "fake", revision: this.#revision, clock: this.clock, warnings: this.warnings };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #enter(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#away !== undefined) throw this.#away;
  }

  #holds(compare: Compare): boolean {
    const entry = this.#entries.get(compare.key);
    if (compare.kind === "absent") return entry === undefined;
    return compare.kind === "created" ? entry?.created === compare.revision : entry?.modified === compare.revision;
  }

  #apply(writes: Txn["then"]): Revision {
    const revision = ++this.#revision;
    const puts: Entry[] = [];
    const deletes: string[] = [];
    for (const write of writes) {
      const created = this.#entries.get(write.key)?.created ?? revision;
      if (write.kind === "delete") {
        if (this.#entries.delete(write.key)) deletes.push(write.key);
        continue;
      }
      const { key, session } = write;
      const value = Uint8Array.from(write.value);
      const entry: Entry = { key, value, created, modified: revision, session };
      this.#entries.set(key, entry);
      puts.push(entry);
    }
    this.#tell({ kind: "changes", puts, deletes, revision });
    return revision;
  }

  #below(prefix: string): Entry[] {
    return [...this.#entries.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  #end(id: string): void {
    this.#open.delete(id);
    const gone = [...this.#entries.values()].filter(({ session }) => session === id);
    if (gone.length > 0) this.#apply(gone.map(({ key }) => ({ kind: "delete", key })));
  }

  #tell(event: WatchEvent): void {
    for (const hear of this.#watches) hear(event);
  }
}
