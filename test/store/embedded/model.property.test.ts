import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../../src/core/random.ts";
import { openEmbeddedLeases } from "../../../src/store/embedded/embedded-leases.ts";
import { openEmbedded } from "../../../src/store/embedded/open-embedded.ts";
import type { LeaseClient } from "../../../src/store/lease.ts";
import type { Compare, Entry, StoreAdapter, StoreOptions, Txn, TxnOutcome, Write } from "../../../src/store/store.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SILENT_OBSERVER } from "../contract.ts";
import { plain } from "../contract/calls.ts";
import { Follower } from "../contract/follower.ts";
import { StoreModel } from "./store-model.ts";

const KEYS = ["/m/a", "/m/a-b", "/m/a/b"];
const TTL_MS = 3_000;
/** So little that followers that are held up find that it is gone. */
const HISTORY = { maxChanges: 3, maxBytes: 40 };

type Step =
  | {
      readonly kind: "txn";
      readonly by: number;
      readonly compares: readonly [what: Compare["kind"], key: string, isRight: boolean][];
      /** By key: delete, or put with one of the sessions or none. */
      readonly writes: readonly [key: string, value: string | undefined, session: number | undefined][];
    }
  | { readonly kind: "grant" }
  | { readonly kind: "renew" | "revoke"; readonly session: number }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "wall"; readonly ms: number }
  | { readonly kind: "hold" | "release" | "reopen" | "page" };

const key = fc.constantFrom(...KEYS);
const session = fc.option(fc.nat(3), { nil: undefined });
const compare = fc.tuple(
  fc.constantFrom("absent" as const, "created" as const, "modified" as const),
  key,
  fc.nat(4).map((chance) => chance > 0),
);
const write = fc.tuple(key, fc.option(fc.string({ maxLength: 9 }), { nil: undefined }), session);
const anyTxn = fc.record({
  kind: fc.constant("txn" as const),
  by: fc.nat(1),
  compares: fc.oneof(fc.constant([]), fc.constant([]), fc.array(compare, { maxLength: 2 })),
  writes: fc.uniqueArray(write, { selector: ([name]) => name, maxLength: 3, size: "max" }),
});
const renewal = fc.record({ kind: fc.constantFrom("renew" as const, "revoke" as const), session: fc.nat(3) });
const plainStep = (kind: Exclude<Step["kind"], "txn" | "renew" | "revoke" | "advance" | "wall">): fc.Arbitrary<Step> =>
  fc.constant({ kind });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: anyTxn },
  { weight: 3, arbitrary: plainStep("grant") },
  { weight: 3, arbitrary: renewal },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wall" as const), ms: fc.integer({ min: -1e9, max: 1e9 }) }) },
  { weight: 4, arbitrary: plainStep("hold") },
  { weight: 1, arbitrary: plainStep("release") },
  { weight: 1, arbitrary: plainStep("page") },
  { weight: 1, arbitrary: plainStep("reopen") },
);

/** Two clients, leases and a watch of one store, and what they should see. */
class Trial implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly model = new StoreModel();
  readonly #file: string;
  readonly #options: StoreOptions;
  readonly #signal = new AbortController().signal;
  readonly #sessions: string[] = [];
  #stores: StoreAdapter[] = [];
  #leases!: LeaseClient;
  #follower!: Follower;

  constructor(file: string) {
    this.#file = file;
    this.#options = { clock: this.clock, random: seededRandom(1), observer: SILENT_OBSERVER };
    this.#open();
  }

  async run(next: Step): Promise<void> {
    switch (next.kind) {
      case "txn":
        return await this.#txn(next);
      case "grant": {
        const { id, ttlMs } = await this.#leases.grant(TTL_MS, { signal: this.#signal });
        this.#sessions.push(id);
        return this.model.grant(id, ttlMs, this.clock.nowMs());
      }
      case "renew":
        return await this.#renew(this.#sessions.at(-1 - next.session) ?? "0000000000000000");
      case "revoke": {
        const id = this.#sessions.at(-1 - next.session) ?? "0000000000000000";
        await this.#leases.revoke(id, { signal: this.#signal });
        return this.model.revoke(id, this.clock.nowMs());
      }
      case "advance":
        return this.clock.advance(next.ms);
      case "wall":
        return this.clock.stepWall(next.ms);
      case "hold":
        return this.#follower.pause();
      case "release":
        return this.#follower.resume();
      case "page":
        return await this.#compare(2);
      case "reopen":
        await this[Symbol.asyncDispose]();
        return this.#open();
    }
  }

  /** The end of a trial: everybody sees the same. */
  async settle(): Promise<void> {
    await this.#compare(undefined);
    this.#follower.resume();
    const { revision } = this.model;
    await this.#follower.until(() => this.#follower.isSynced, "the snapshot");
    const wanted = this.model.plain();
    const isThere = (): boolean => isSame(plain(this.#follower.state.values()), wanted);
    await this.#follower.until(isThere, `what is there at revision ${revision}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#follower[Symbol.asyncDispose]();
    for (const one of [...this.#stores, this.#leases]) await one[Symbol.asyncDispose]();
  }

  #open(): void {
    const settings = { kind: "embedded" as const, file: this.#file };
    this.#stores = [0, 1].map(() => openEmbedded(settings, this.#options, HISTORY));
    this.#leases = openEmbeddedLeases(settings, this.#options);
    this.#follower = new Follower(this.#stores[1] ?? assert.fail(), "/m/");
  }

  async #txn({ by, compares, writes }: Extract<Step, { kind: "txn" }>): Promise<void> {
    const sessionOf = (index: number | undefined): string | undefined =>
      index === undefined ? undefined : this.#sessions.at(-1 - index);
    const then = writes.map(([name, value, index]): Write => {
      if (value === undefined) return { kind: "delete", key: name };
      return { kind: "put", key: name, value: Buffer.from(value), session: sessionOf(index) };
    });
    this.model.endLeases(this.clock.nowMs());
    const txn: Txn = { if: compares.map((one) => this.#compareOf(one)), then, else: KEYS };
    const wanted = this.model.txn(txn);
    const store = this.#stores[by] ?? assert.fail();
    const got = await store.txn(txn, { signal: this.#signal }).catch((cause: { code: string }) => cause.code);
    assert.deepEqual(outcomeOf(got), outcomeOf(wanted));
  }

  #compareOf([kind, name, isRight]: [Compare["kind"], string, boolean]): Compare {
    const entry = this.model.entries.get(name);
    if (kind === "absent") return { kind, key: name };
    return { kind, key: name, revision: isRight ? (entry?.[kind] ?? 0n) : 1_000_000n };
  }

  async #renew(id: string): Promise<void> {
    const renewed = await this.#leases.renew(id, { signal: this.#signal });
    assert.equal(renewed !== undefined, this.model.renew(id, this.clock.nowMs()));
  }

  async #compare(limit: number | undefined): Promise<void> {
    this.model.endLeases(this.clock.nowMs());
    for (const store of this.#stores) {
      const entries: Entry[] = [];
      for (let after: string | undefined, hasMore = true; hasMore; after = entries.at(-1)?.key) {
        const options = { signal: this.#signal, ...(limit && { limit }), ...(after !== undefined && { after }) };
        const page = await store.list("/m/", options);
        entries.push(...page.entries);
        ({ hasMore } = page);
        assert.equal(page.revision, this.model.revision);
      }
      assert.deepEqual(plain(entries), this.model.plain());
    }
  }
}

function outcomeOf(outcome: TxnOutcome | string): unknown {
  if (typeof outcome === "string" || outcome.done) return outcome;
  return outcome.entries.map((entry) => entry && plain([entry])[0]);
}

function isSame(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

async function tryAll(file: string, steps: readonly Step[]): Promise<void> {
  await using trial = new Trial(file);
  for (const next of steps) await trial.run(next);
  await trial.settle();
}

test("embedded: whatever is done by two clients, also with reopening, is as in a model, and a watch ends as a list", async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
    const name = randomBytes(6).toString("hex");
    using kept = new DatabaseSync(`file:/signalbox${name}?vfs=memdb`);
    assert.ok(kept.isOpen);
    await tryAll(`:memory:${name}`, steps);
  });
  await fc.assert(property, { numRuns: 150 });
});

test("embedded: and so with files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-model-"));
  try {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      await tryAll(join(folder, `${randomBytes(6).toString("hex")}.sqlite`), steps);
    });
    await fc.assert(property, { numRuns: 12 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
