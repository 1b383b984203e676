/**
 * A candidate in a process of its own: stands for the elections that it is told of, and writes
 * while it leads. What it is told it tells on its standard output, before it does anything else.
 * Ends with its standard input.
 */
import { readSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { createElection, type Election, type Leadership } from "../../../src/store/recipes/election.ts";
import { sleep, systemClock } from "../../../src/core/clock.ts";
import { RouterError } from "../../../src/core/errors.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Store, StoreObserver, Txn } from "../../../src/store/store.ts";
import { BLOCK, type CandidateTask, type Line, WAKING_FD, writeLine, writesPrefix } from "./candidate-protocol.ts";

const STDOUT_FD = 1;
/** Of a leader whose fault is that it goes on. */
const WRITES_AFTER_LOSS = 3;

const task = JSON.parse(process.argv[2] ?? "") as CandidateTask;
const until = new AbortController();
let written = 0;

const SILENT: StoreObserver = {
  called: () => undefined,
  watchLag: () => undefined,
  resynced: () => undefined,
  renewed: () => undefined,
  sessionLost: () => undefined,
};

function tell(line: Line): void {
  writeSync(STDOUT_FD, writeLine(line));
}

/** The same for all processes of the machine. */
function now(): bigint {
  return process.hrtime.bigint();
}

async function stand(store: Store, scope: string): Promise<void> {
  const fault = task.faults[scope];
  const place = { store: fault === "jumping" ? blind(store) : store, prefix: task.prefix };
  const election = createElection({ ...place, clock: systemClock, random: systemRandom }, scope);
  for (;;) {
    const leadership = await campaign(election);
    const epoch = fault === "reused" ? 1n : leadership.epoch;
    tell({ kind: "elected", scope, by: task.id, epoch, at: now() });
    await lead(store, leadership, { scope, epoch });
  }
}

function campaign(election: Election): Promise<Leadership> {
  return election.campaign(task.id, {
    id: task.id,
    signal: until.signal,
    leaseDurationMs: task.ttlMs,
    onTrouble: ({ message }) => tell({ kind: "trouble", scope: election.name, message }),
  });
}

async function lead(store: Store, leadership: Leadership, as: { scope: string; epoch: bigint }): Promise<void> {
  const isUnguarded = task.faults[as.scope] === "unguarded";
  while (!leadership.lost.aborted) {
    const at = now();
    if (leadership.validForMs() > 0) tell({ kind: "believes", by: task.id, at, ...as });
    await write(as, (txn) => {
      const options = { signal: until.signal };
      return isUnguarded ? store.txn(txn, options) : leadership.guarded(txn, options);
    });
    await sleep(systemClock, task.writePauseMs, AbortSignal.any([leadership.lost, until.signal])).catch(
      () => undefined,
    );
  }
  for (let left = isUnguarded ? WRITES_AFTER_LOSS : 0; left > 0; left--) {
    await write(as, (txn) => store.txn(txn, { signal: until.signal }));
  }
  await leadership.resign();
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

const store = await openStore(task.settings, { clock: systemClock, random: systemRandom, observer: SILENT });

createInterface(process.stdin).on("line", (command) => {
  if (command === BLOCK) readSync(WAKING_FD, Buffer.alloc(1));
  else void stand(store, command);
});
process.stdin.on("end", () => process.exit(0));
