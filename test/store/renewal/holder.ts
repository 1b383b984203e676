import { existsSync } from "node:fs";
import { machineMs, systemClock } from "../../../src/core/clock.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Session, StoreObserver, StoreSettings } from "../../../src/store/store.ts";

/** What the process is told, as JSON, in its first argument. */
export interface HolderTask {
  readonly settings: StoreSettings;
  readonly ttlMs: number;
  readonly key: string;
  /**
   * `compute`: its loop stands still for two thirds of the TTL. `wedge`: until the file is there.
   * `stop`: it is stopped from outside.
   */
  readonly mode: "compute" | "wedge" | "stop";
  readonly file: string;
}

/** What it sends. Times are the machine's. */
export type HolderMessage =
  | { readonly kind: "holds" }
  | {
      readonly kind: "woke";
      /** The latest time until when it was told that it may act. */
      readonly toldUntilMs: number;
      /** What its first step saw then. */
      readonly validForMs: number;
    }
  /** After some turns of its loop. */
  | { readonly kind: "turned"; readonly isLost: boolean; readonly why: string };

const task = JSON.parse(process.argv[2]!) as HolderTask;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

const observer: StoreObserver = {
  called: () => undefined,
  watchLag: () => undefined,
  resynced: () => undefined,
  renewed: () => undefined,
  sessionLost: () => undefined,
};

function tell(message: HolderMessage): void {
  process.send?.(message);
}

function now(): number {
  return machineMs(systemClock);
}

/** Asks as whoever acts in the session's name does, and notes until when it was told that it may. */
class Asker {
  readonly #session: Session;
  toldUntilMs = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  ask(): number {
    const beforeMs = now();
    const validForMs = this.#session.validForMs();
    if (validForMs > 0) this.toldUntilMs = Math.max(this.toldUntilMs, beforeMs + validForMs);
    return validForMs;
  }
}

function compute(asker: Asker): void {
  const endMs = now() + (task.ttlMs * 2) / 3;
  while (now() < endMs) asker.ask();
}

function wedge(asker: Asker): void {
  while (!existsSync(task.file)) {
    asker.ask();
    Atomics.wait(sleeper, 0, 0, 1);
  }
}

/** Until no turn followed the one before for more than the TTL. */
async function stop(asker: Asker, startedMs: number): Promise<void> {
  for (let lastMs = startedMs; ; ) {
    asker.ask();
    const nextMs = now();
    if (nextMs - lastMs > task.ttlMs) return;
    lastMs = nextMs;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const { signal } = new AbortController();
await using store = await openStore(task.settings, { clock: systemClock, random: systemRandom, observer });
await using session = await store.openSession({ ttlMs: task.ttlMs, signal });
const value = Buffer.from("holder");
await store.txn({ if: [], then: [{ kind: "put", key: task.key, value, session: session.id }] }, { signal });
const asker = new Asker(session);
asker.ask();
const startedMs = now();
tell({ kind: "holds" });
if (task.mode === "compute") compute(asker);
else if (task.mode === "wedge") wedge(asker);
else await stop(asker, startedMs);
tell({ kind: "woke", validForMs: asker.ask(), toldUntilMs: asker.toldUntilMs });

await new Promise((resolve) => setTimeout(resolve, task.ttlMs / 6));
tell({ kind: "turned", isLost: session.lost.aborted, why: String(session.lost.reason) });
process.disconnect();
