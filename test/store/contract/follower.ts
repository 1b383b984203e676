import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Entry, Revision, StoreAdapter, WatchEvent } from "../../../src/store/store.ts";
import { PATIENCE_MS } from "../../support/patience.ts";

/** Reads a watch as users do, and holds it to what the port says of the order of events. */
export class Follower implements AsyncDisposable {
  readonly events: WatchEvent[] = [];
  /** What the store has, as far as it was told. */
  readonly state = new Map<string, Entry>();
  revision: Revision = -1n;
  #isSynced = false;
  #isPaused = false;
  readonly #prefix: string;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #failure: Error | undefined;
  #next = Promise.withResolvers<void>();
  #resumed = Promise.withResolvers<void>();

  constructor(store: Pick<StoreAdapter, "watch">, prefix: string) {
    this.#prefix = prefix;
    this.#done = this.#read(store).catch((cause: unknown) => {
      this.#failure = cause instanceof Error ? cause : new Error(String(cause));
      this.#next.resolve();
    });
  }

  /** `synced` came, and no `lost` after it. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  count(kind: WatchEvent["kind"]): number {
    return this.events.filter((event) => event.kind === kind).length;
  }

  /** Resolves when it is so, now or after some event. */
  async until(met: () => boolean, what: string): Promise<void> {
    const late = new AbortController();
    const patience = sleep(PATIENCE_MS, "late" as const, { signal: late.signal, ref: false }).catch(() => undefined);
    try {
      while (!met()) {
        if (this.#failure !== undefined) throw this.#failure;
        const came = await Promise.race([this.#next.promise, patience]);
        assert.notEqual(came, "late", `waited for ${what}; the last events: ${this.#last()}`);
      }
    } finally {
      late.abort();
    }
  }

  /** Asks for no event after the next one, until `resume`: a reader that is held up. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#resumed = Promise.withResolvers();
  }

  resume(): void {
    this.#isPaused = false;
    this.#resumed.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    this.#abort.abort();
    await this.#done;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #read(store: Pick<StoreAdapter, "watch">): Promise<void> {
    for await (const event of store.watch(this.#prefix, { signal: this.#abort.signal })) {
      this.events.push(event);
      this.#take(event);
      this.#next.resolve();
      this.#next = Promise.withResolvers();
      if (this.#isPaused) await this.#resumed.promise;
    }
    assert.ok(this.#abort.signal.aborted, "a watch ends with its signal alone");
  }

  #take(event: WatchEvent): void {
    const isFirst = this.events.length === 1;
    const isBegun = this.events.slice(0, -1).some(({ kind }) => kind !== "lost");
    assert.equal(event.kind === "snapshot", !isBegun && event.kind !== "lost", "one snapshot, at the beginning");
    if (event.kind === "lost") {
      assert.ok(this.#isSynced || isFirst, "lost is told once");
      this.#isSynced = false;
      return;
    }
    if (event.kind === "synced") this.#isSynced = true;
    if (event.kind === "snapshot") for (const entry of event.entries) this.state.set(entry.key, entry);
    if (event.kind === "changes" || event.kind === "resync") this.#apply(event);
    if (event.kind === "changes") assert.ok(event.puts.length + event.deletes.length > 0, "changes without any");
    const mayFall = event.kind === "resync" && event.why === "wiped";
    assert.ok(mayFall || event.revision >= this.revision, `revision ${event.revision} after ${this.revision}`);
    this.revision = event.revision;
  }

  #apply({ puts, deletes }: { readonly puts: readonly Entry[]; readonly deletes: readonly string[] }): void {
    for (const entry of puts) {
      assert.ok(entry.key.startsWith(this.#prefix), `${entry.key} is not below ${this.#prefix}`);
      this.state.set(entry.key, entry);
    }
    for (const key of deletes) {
      assert.ok(key.startsWith(this.#prefix), `${key} is not below ${this.#prefix}`);
      this.state.delete(key);
    }
  }

  #last(): string {
    return this.events
      .slice(-5)
      .map(({ kind }) => kind)
      .join(", ");
  }
}
