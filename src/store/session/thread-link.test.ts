import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { systemClock } from "../../core/clock.ts";
import type { FromRenewal } from "./messages.ts";
import { momentOf } from "./moment.ts";
import type { RenewalLink, RenewalListener } from "./renewal-link.ts";
import { SessionCell } from "./session-cell.ts";
import { linkToThread } from "./thread-link.ts";

class Listener extends EventEmitter<{ told: [FromRenewal]; died: [string] }> implements RenewalListener {
  receive(message: FromRenewal): void {
    this.emit("told", message);
  }

  died(reason: string): void {
    this.emit("died", reason);
  }

  async next(kind: FromRenewal["kind"]): Promise<FromRenewal> {
    for (;;) {
      const [message] = await once(this, "told");
      const told = message as FromRenewal;
      if (told.kind === kind) return told;
    }
  }
}

let lastId = 1_000_000;

async function open(link: RenewalLink, listener: Listener, store: number): Promise<{ cell: SessionCell; id: number }> {
  const cell = new SessionCell();
  cell.beat(momentOf(systemClock));
  const id = ++lastId;
  const opened = listener.next("opened");
  const settings = { kind: "embedded" as const, file: `:memory:thread-link-${store}` };
  link.send({ kind: "open", id, store, settings, ttlMs: 60_000, deadlineMs: 60_000, memory: cell.memory });
  await opened;
  return { cell, id };
}

test("a session's deadline comes from the thread by shared memory, and with the last store it ends", async () => {
  const listeners = [new Listener(), new Listener()] as const;
  const stores = [++lastId, ++lastId] as const;
  const links = listeners.map((listener, i) => linkToThread(stores[i]!, listener));
  const { cell, id } = await open(links[0]!, listeners[0], stores[0]);
  const validForMs = cell.validForMs(momentOf(systemClock), 60_000);
  assert(validForMs > 0 && validForMs <= 54_000);
  await open(links[1]!, listeners[1], stores[1]); // one thread for both
  const closed = listeners[0].next("closed");
  links[0]!.send({ kind: "close", id, deadlineMs: 5_000 });
  await closed;
  for (const listener of listeners) listener.on("died", (reason) => assert.fail(reason));
  for (const link of links) await link[Symbol.asyncDispose]();
  assert(!process.getActiveResourcesInfo().includes("MessagePort"));
});

test("all who have sessions are told when the thread dies, and who opens one then starts another", async () => {
  const listeners = [new Listener(), new Listener()] as const;
  const stores = [++lastId, ++lastId] as const;
  const [first, second] = listeners.map((listener, i) => linkToThread(stores[i]!, listener));
  await open(first!, listeners[0], stores[0]);
  const died = listeners.map((listener) => once(listener, "died"));
  second!.send(null as never); // a fault of the thread's
  assert.match((await Promise.all(died)).join(" "), /Cannot read properties of null/u);
  const listener = new Listener();
  await using link = linkToThread(++lastId, listener);
  await open(link, listener, lastId);
  await first![Symbol.asyncDispose]();
});
