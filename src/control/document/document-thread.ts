import { parentPort } from "node:worker_threads";
import type { ThreadAnswer, ThreadWork } from "./document-worker.ts";
import { DOCUMENT_WORK, packSecrets } from "./document-work.ts";

/**
 * The other end of document-worker.ts: does one piece of work after the other, and tells what came
 * of each.
 */
parentPort?.on("message", ({ name, args }: ThreadWork) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(answerTo(name, args));
});

function answerTo(name: ThreadWork["name"], args: readonly unknown[]): ThreadAnswer {
  try {
    const work = DOCUMENT_WORK[name] as (...args: readonly unknown[]) => unknown; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the arguments are those of the name
    return { ok: true, result: packSecrets(work(...args)) };
  } catch (cause) {
    return { ok: false, cause };
  }
}
