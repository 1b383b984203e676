import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Delivered } from "../delivered.ts";
import type { WatchEventMessage, WatchResponse } from "./messages.ts";
import { WatchState } from "./watch-state.ts";

/** One revision of a store: what became of some of its keys. */
type Change = Readonly<Record<string, "put" | "delete">>;

const change = fc.dictionary(fc.constantFrom("/a", "/b", "/c"), fc.constantFrom("put" as const, "delete" as const), {
  minKeys: 1,
  maxKeys: 3,
  noNullPrototype: true,
});

/** What a server does next on the stream that is open. */
type Act =
  /** Sends so many revisions in one answer, in so many parts, headed by the newest revision. */
  | { readonly kind: "send"; readonly count: number; readonly parts: number }
  /** Sends again what it has sent, as restored and old members do. */
  | { readonly kind: "repeat"; readonly back: number }
  /** Tells how far it is, or, as a member that is behind, less. */
  | { readonly kind: "progress"; readonly behind: number }
  /** The stream is lost, in the middle of an answer. */
  | { readonly kind: "cut"; readonly parts: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant("send" as const), count: fc.integer({ min: 1, max: 5 }), parts: fc.nat(3) }),
  fc.record({ kind: fc.constant("repeat" as const), back: fc.integer({ min: 1, max: 10 }) }),
  fc.record({ kind: fc.constant("progress" as const), behind: fc.nat(5) }),
  fc.record({ kind: fc.constant("cut" as const), parts: fc.nat(3) }),
);

const FIRST = 100;

function answer(revision: number, events: readonly WatchEventMessage[], fragment = false): WatchResponse {
  const header = { clusterId: 1n, revision: BigInt(revision) };
  const rest = { watchId: 0n, created: false, canceled: false, compactRevision: 0n, cancelReason: "" };
  return { header, events, fragment, ...rest };
}

/** A server with a history, and a stream of it that begins where it is asked to. */
class Server {
  readonly #history: readonly Change[];
  #sent: number;

  constructor(history: readonly Change[]) {
    this.#history = history;
    this.#sent = FIRST;
  }

  get newest(): number {
    return FIRST + this.#history.length;
  }

  get isAllSent(): boolean {
    return this.#sent >= this.newest;
  }

  begin(start: bigint): void {
    this.#sent = Number(start) - 1;
  }

  send(count: number, parts: number): WatchResponse[] {
    const end = Math.min(this.newest, this.#sent + count);
    const events = this.#events(this.#sent + 1, end);
    this.#sent = end;
    return events.length === 0 ? [] : this.#inParts(events, parts);
  }

  repeat(back: number): WatchResponse[] {
    const events = this.#events(Math.max(FIRST + 1, this.#sent - back + 1), this.#sent);
    return events.length === 0 ? [] : [answer(this.newest, events)];
  }

  progress(behind: number): WatchResponse {
    return answer(this.#sent - behind, []);
  }

  #events(from: number, to: number): WatchEventMessage[] {
    const events: WatchEventMessage[] = [];
    for (let revision = from; revision <= to; revision++) {
      for (const [key, what] of Object.entries(this.#history[revision - FIRST - 1] ?? {})) {
        const entry = { key, value: new Uint8Array(0), created: 1n, modified: BigInt(revision), lease: 0n };
        events.push({ isDelete: what === "delete", entry });
      }
    }
    return events;
  }

  #inParts(events: readonly WatchEventMessage[], parts: number): WatchResponse[] {
    const size = Math.ceil(events.length / (parts + 1));
    const cut: WatchResponse[] = [];
    for (let at = 0; at < events.length; at += size)
      cut.push(answer(this.newest, events.slice(at, at + size), at + size < events.length));
    return cut;
  }
}

test("a watch's state: whatever a stream repeats, heads, divides or loses, each revision is told once, whole, in order", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.array(act, { maxLength: 40 }), (history, acts) => {
      const server = new Server(history);
      const told = new Delivered();
      const state = new WatchState(told, { entries: [], revision: BigInt(FIRST), hasMore: false, clusterId: 1n });
      const steps: (readonly [number, Change])[] = [];
      const take = (responses: readonly WatchResponse[]): void => {
        for (const { revision, puts, deletes } of responses.flatMap((response) => state.take(response))) {
          const one = [...puts.map(({ key }) => [key, "put"]), ...deletes.map((key) => [key, "delete"])];
          steps.push([Number(revision), Object.fromEntries(one) as Change]);
        }
      };
      const restart = (): void => {
        state.begin();
        server.begin(state.cursor);
      };
      restart();
      for (const one of acts) {
        if (one.kind === "send") take(server.send(one.count, one.parts));
        else if (one.kind === "repeat") take(server.repeat(one.back));
        else if (one.kind === "progress") take([server.progress(one.behind)]);
        else {
          take(server.send(3, one.parts).slice(0, -1));
          restart();
        }
      }
      restart();
      while (!server.isAllSent) take(server.send(4, 1));
      assert.deepEqual(
        steps,
        history.map((made, i) => [FIRST + 1 + i, made]),
      );
      const there = new Set<string>();
      for (const [key, what] of history.flatMap((made) => Object.entries(made))) {
        if (what === "put") there.add(key);
        else there.delete(key);
      }
      assert.deepEqual(new Set(told.keys()), there);
    }),
  );
});
