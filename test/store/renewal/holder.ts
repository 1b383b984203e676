import { once } from "node:events";
import { existsSync } from "node:fs";
import { machineMs, systemClock } from "../../../src/core/clock.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Session, StoreObserver, StoreSettings } from "../../../src/store/store.ts";
import { PATIENCE_MS } from "../../support/patience.ts";

/** What the process is told, as JSON, in its first argument. */
export interface HolderTask {
  readonly settings: StoreSettings;
  readonly ttlMs: number;
  readonly key: string;
  /**
   * `compute`: its loop stands still for two thirds of the TTL. `wedge`: until the file is there.
   * `stop`: it is stopped from outside, and the file is there when it goes on.
   */
  readonly mode: "compute" | "wedge" | "stop";
  readonly file: string;
}

/** What it sends. Times are the machine's. */
export type HolderMessage =
  | { readonly kind: "holds" }
  /** Before it could hold anything: nobody renewed it in time. */
  | { readonly kind: "lost_early"; readonly why: string }
  | {
      readonly kind: "woke";
      /** The latest time until when it was told that it may act. */
      readonly toldUntilMs: number;
      /** What its first step saw then. */
      readonly validForMs: number;
    }
  /** After some turns of its loop. `why`: for people, with the calls of who renews. */
  | { readonly kind: "turned"; readonly isLost: boolean; readonly why: string };

const task = JSON.parse(process.argv[2]!) as HolderTask;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

const calls: string[] = [];
const observer: StoreObserver = {
  called: (operation, outcome, tookMs) => calls.push(`${operation} ${outcome} ${Math.round(tookMs)} ms`),
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

/** Asks as whoever acts in its name does, and notes until when it was told that it may. */
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

/** Begins when less of the session is left than it takes: only who renews meanwhile keeps it. */
async function compute(asker: Asker): Promise<void> {
  const forMs = (task.ttlMs * 2) / 3;
  while (asker.ask() >= forMs) await new Promise((resolve) => setTimeout(resolve, 5));
  const endMs = now() + forMs;
  while (now() < endMs) pause(asker);
}

function wedge(asker: Asker): void {
  while (!existsSync(task.file)) {
    pause(asker);
  }
}

/** Its loop stands still, and leaves the processor to others. */
function pause(asker: Asker): void {
  asker.ask();
  Atomics.wait(sleeper, 0, 0, 1);
}

/** Turns and turns; what it does first after it was stopped is to see that the file is there. */
async function stop(asker: Asker): Promise<void> {
  for (;;) {
    asker.ask();
    if (existsSync(task.file)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const { signal } = new AbortController();
await using store = await openStore(task.settings, { clock: systemClock, random: systemRandom, observer });
await using session = await store.openSession({ ttlMs: task.ttlMs, signal, deadlineMs: PATIENCE_MS });
const value = Buffer.from("holder");
const asker = new Asker(session);
try {
  const put = { kind: "put", key: task.key, value, session: session.id } as const;
  await store.txn({ if: [], then: [put] }, { signal, deadlineMs: PATIENCE_MS });
  if (asker.ask() === 0) throw session.lost.reason;
  tell({ kind: "holds" });
} catch (cause) {
  if (!session.lost.aborted) throw cause;
  tell({ kind: "lost_early", why: why() });
  await once(process, "disconnect");
}
if (task.mode === "compute") await compute(asker);
else if (task.mode === "wedge") wedge(asker);
else await stop(asker);
tell({ kind: "woke", validForMs: asker.ask(), toldUntilMs: asker.toldUntilMs });

await new Promise((resolve) => setTimeout(resolve, task.ttlMs / 6));
tell({ kind: "turned", isLost: session.lost.aborted, why: why() });
await once(process, "disconnect"); // until the test has seen what is there

function why(): string {
  return `${String(session.lost.reason)} (${calls.join(", ")})`;
}
