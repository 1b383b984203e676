/**
 * A candidate in a process of its own: stands for the elections that it is told of, and writes
 * while it leads. What it is told it tells on its standard output, before it does anything else.
 * Ends with its standard input.
 */
import { readSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { sleep, systemClock } from "../../../src/core/clock.ts";
import { RouterError } from "../../../src/core/errors.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { createElection } from "../../../src/store/recipes/election.ts";
import type { Held } from "../../../src/store/recipes/lock-hold.ts";
import { createLock } from "../../../src/store/recipes/lock.ts";
import type { RecipePlace } from "../../../src/store/recipes/place.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { UNOBSERVED } from "../../../src/store/store-metrics.ts";
import type { Store, Txn } from "../../../src/store/store.ts";
import {
  BLOCK,
  type CandidateTask,
  type Line,
  LOCK,
  WAKING_FD,
  writeLine,
  writesPrefix,
} from "./candidate-protocol.ts";

const STDOUT_FD = 1;
/** Of a leader whose fault is that it goes on. */
const WRITES_AFTER_LOSS = 3;

const task = JSON.parse(process.argv[2] ?? "") as CandidateTask;
const until = new AbortController();
let written = 0;

function tell(line: Line): void {
  writeSync(STDOUT_FD, writeLine(line));
}

/** The same for all processes of the machine. */
function now(): bigint {
  return process.hrtime.bigint();
}

async function stand(store: Store, scope: string): Promise<void> {
  const fault = task.faults[scope];
  const seen = fault === "jumping" ? blind(store) : store;
  const place = { store: seen, prefix: task.prefix, clock: systemClock, random: systemRandom };
  for (;;) {
    const held = await take(place, scope);
    const epoch = fault === "reused" ? 1n : held.epoch;
    tell({ kind: "elected", scope, by: task.id, epoch, at: now() });
    await lead(store, held, { scope, epoch });
  }
}

function take(place: RecipePlace, scope: string): Promise<Held> {
  const options = {
    signal: until.signal,
    leaseDurationMs: task.ttlMs,
    onTrouble: ({ message }: RouterError) => tell({ kind: "trouble", scope, message }),
  };
  if (scope.startsWith(LOCK)) return createLock(place, scope, { holder: task.id }).acquire(options);
  return createElection(place, scope).campaign(task.id, { ...options, id: task.id });
}

async function lead(store: Store, held: Held, as: { scope: string; epoch: bigint }): Promise<void> {
  const isUnguarded = task.faults[as.scope] === "unguarded";
  while (!held.lost.aborted) {
    const at = now();
    if (held.validForMs() > 0) tell({ kind: "believes", by: task.id, at, ...as });
    await write(as, (txn) => {
      const options = { signal: until.signal };
      return isUnguarded ? store.txn(txn, options) : held.guarded(txn, options);
    });
    await sleep(systemClock, task.writePauseMs, AbortSignal.any([held.lost, until.signal])).catch(() => undefined);
  }
  for (let left = isUnguarded ? WRITES_AFTER_LOSS : 0; left > 0; left--) {
    await write(as, (txn) => store.txn(txn, { signal: until.signal }));
  }
  await held[Symbol.asyncDispose]();
}

async function write(
  { scope, epoch }: { scope: string; epoch: bigint },
  send: (txn: Txn) => ReturnType<Store["txn"]>,
): Promise<void> {
  const key = `${writesPrefix(task.prefix)}${scope}/${task.id}-${++written}`;
  const value = Buffer.from(JSON.stringify({ by: task.id, epoch: String(epoch) }));
  try {
    const outcome = await send({ if: [{ kind: "absent", key }], then: [{ kind: "put", key, value }] });
    if (outcome.done) tell({ kind: "wrote", scope, by: task.id, key, revision: outcome.revision });
  } catch (cause) {
    if (!(cause instanceof RouterError)) throw cause;
    if (cause.code === "NOT_OWNER") tell({ kind: "refused", scope, by: task.id, key });
    else tell({ kind: "trouble", scope, message: cause.message });
  }
}

/** A store in which nobody else stands for anything: whoever looks through it jumps the queue. */
function blind(store: Store): Store {
  return {
    ...bound(store),
    async list(prefix, options) {
      const listing = await store.list(prefix, options);
      const own = Buffer.from(`"${task.id}"`);
      return { ...listing, entries: listing.entries.filter(({ value }) => Buffer.from(value).includes(own)) };
    },
  };
}

function bound(store: Store): Store {
  return {
    facts: store.facts,
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    txn: (txn, options) => store.txn(txn, options),
    watch: (prefix, options) => store.watch(prefix, options),
    openSession: (options) => store.openSession(options),
    check: (options) => store.check(options),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

const store = await openStore(task.settings, { clock: systemClock, random: systemRandom, observer: UNOBSERVED });

createInterface(process.stdin).on("line", (command) => {
  if (command === BLOCK) readSync(WAKING_FD, Buffer.alloc(1));
  else void stand(store, command);
});
process.stdin.on("end", () => process.exit(0));
