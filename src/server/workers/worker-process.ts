import { Socket } from "node:net";
import { systemClock } from "../../core/clock.ts";
import { boundGrowth } from "../../core/collect.ts";
import { reasonOf } from "../../core/errors.ts";
import { optimise } from "../../core/optimise.ts";
import { systemRandom } from "../../core/random.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { Worker } from "./worker.ts";

/**
 * So far the heap of a worker grows until V8 collects all of it. With 10,000 rules what requests
 * leave in the old part of the heap fills this in some 20 s.
 */
const GROWTH_BYTES = 16 * 1_024 * 1_024;

/**
 * The process of one worker. It ends when the main process does, or tells it to; signals are for
 * the main process.
 */
boundGrowth(GROWTH_BYTES);
optimise(false); // until it has begun
const worker = new Worker({
  clock: systemClock,
  random: systemRandom,
  env: process.env,
  send: (message: FromWorker) => {
    if (process.connected) process.send?.(message, undefined, {}, ignore); // a main process that is gone is told nothing
  },
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, ignore);
process.on("disconnect", () => process.exit(0));
process.on("message", (message, sent: unknown) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the same program
  worker.receive(message as ToWorker, sent instanceof Socket ? sent : undefined);
});
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (cause: unknown) => {
    process.stderr.write(`${cause instanceof Error ? (cause.stack ?? cause.message) : reasonOf(cause)}\n`);
    worker.reportLast();
    process.exit(1);
  });
}

function ignore(): void {}
