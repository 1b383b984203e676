/**
 * Loaded into a node before it starts (`--import`): writes down what was left of each lease when it
 * was renewed, as the thread that renews tells the main loop, and blocks that loop on SIGUSR2.
 */
import { appendFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { BLOCK_MS, RENEWALS_FILE } from "./renewals.ts";

const file = process.env[RENEWALS_FILE];
const emit = Worker.prototype.emit; // oxlint-disable-line typescript/unbound-method -- it is called with its own `this`

Worker.prototype.emit = function witnessed(this: Worker, event, ...args: unknown[]): boolean {
  const marginMs = event === "message" ? marginIn(args[0]) : undefined;
  if (file !== undefined && marginMs !== undefined) appendFileSync(file, `${marginMs}\n`);
  return Reflect.apply(emit, this, [event, ...args]);
};

process.on("SIGUSR2", () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS);
});

/** Of `renewed` of src/store/session/messages.ts. */
function marginIn(told: unknown): number | undefined {
  const message: unknown = fieldOf(told, "message");
  const marginMs = fieldOf(message, "kind") === "renewed" ? fieldOf(message, "marginMs") : undefined;
  return typeof marginMs === "number" ? marginMs : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
