import assert from "node:assert/strict";
import { test } from "node:test";
import { RouterError } from "../../core/errors.ts";
import type { Txn, TxnOutcome } from "../../store/store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { DirectiveWriter } from "./directive-writer.ts";

const { signal } = new AbortController();
const VALID_MS = 30_000;

/** A leader whose writes end when its test says so. */
class HeldWrites {
  readonly clock = new ManualClock();
  readonly bodies: string[] = [];
  readonly #pending: PromiseWithResolvers<TxnOutcome>[] = [];
  readonly writer = new DirectiveWriter({
    place: { prefix: "/t", clock: this.clock },
    leadership: { epoch: 5n, guarded: (txn) => this.#write(txn) },
    generation: 1,
    by: "g",
  });

  #write({ then: [write] }: Txn): Promise<TxnOutcome> {
    assert(write?.kind === "put");
    this.bodies.push((JSON.parse(Buffer.from(write.value).toString()) as { body: string }).body);
    const pending = Promise.withResolvers<TxnOutcome>();
    this.#pending.push(pending);
    return pending.promise;
  }

  async end(cause?: RouterError): Promise<void> {
    await new Promise(setImmediate); // whoever waits for a turn has it
    const pending = this.#pending.shift();
    assert(pending !== undefined);
    if (cause === undefined) pending.resolve({ done: true, revision: 1n });
    else pending.reject(cause);
    await new Promise(setImmediate);
  }
}

function decide(writes: HeldWrites, body: string): Promise<void> {
  return writes.writer.set("config", { body, validForMs: VALID_MS }, signal);
}

test("what is written anew is what was decided last, also while that waits for its turn", async () => {
  const writes = new HeldWrites();
  const first = decide(writes, "one");
  await writes.end();
  await first;
  writes.clock.advance(VALID_MS / 2);
  const next = decide(writes, "two");
  const again = writes.writer.tick(signal);
  await writes.end();
  await Promise.all([next, again]);
  assert.deepEqual(writes.bodies, ["one", "two"]);
});

test("what is decided back while another decision is being written is written after it", async () => {
  const writes = new HeldWrites();
  const first = decide(writes, "one");
  await writes.end();
  await first;
  const both = [decide(writes, "two"), decide(writes, "one")];
  await writes.end();
  await writes.end();
  await Promise.all(both);
  assert.deepEqual(writes.bodies, ["one", "two", "one"]);
});

test("after a write whose outcome nobody knows what was there before is written, too", async () => {
  const writes = new HeldWrites();
  const first = decide(writes, "one");
  await writes.end();
  await first;
  const lost = assert.rejects(decide(writes, "two"), { code: "STORE_UNKNOWN" });
  await writes.end(new RouterError("STORE_UNKNOWN", "lost"));
  await lost;
  const back = decide(writes, "one");
  await writes.end();
  await back;
  assert.deepEqual(writes.bodies, ["one", "two", "one"]);
});
