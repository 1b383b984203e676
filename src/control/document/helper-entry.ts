import { parentPort } from "node:worker_threads";
import type { HelperAnswer, HelperWork } from "./document-helper.ts";
import { DOCUMENT_WORK, packSecrets } from "./document-work.ts";

/**
 * The other end of document-helper.ts, in a thread or a process of its own: does one piece of work
 * after the other, and tells what came of each.
 */
if (parentPort !== null) {
  const port = parentPort;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  port.on("message", (work: HelperWork) => port.postMessage(answerTo(work)));
} else {
  process.on("message", (work) => {
    process.send?.(answerTo(work as HelperWork), undefined, {}, ignore); // oxlint-disable-line typescript/no-unsafe-type-assertion -- of the same program
  });
  process.on("disconnect", () => process.exit(0));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, ignore); // they are for the node
}

function answerTo({ name, args }: HelperWork): HelperAnswer {
  try {
    const work = DOCUMENT_WORK[name] as (...args: readonly unknown[]) => unknown; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the arguments are those of the name
    return { ok: true, result: packSecrets(work(...args)) };
  } catch (cause) {
    return { ok: false, cause };
  }
}

function ignore(): void {}
