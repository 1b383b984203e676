import { parentPort, workerData } from "node:worker_threads";
import { DOCUMENT_WORK, type DocumentWork } from "./desk.ts";
import { packSecrets } from "./secrets-packed.ts";

/** The other end of desk.ts: does one piece of work, tells the result, and ends. A fault ends it with an error. */
const { name, args } = workerData as { name: keyof DocumentWork; args: readonly unknown[] }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what desk.ts sends
const work = DOCUMENT_WORK[name] as (...args: readonly unknown[]) => unknown; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the arguments are those of the name
parentPort?.postMessage(packSecrets(work(...args))); // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread, not a window
