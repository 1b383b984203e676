import { parentPort } from "node:worker_threads";
import { systemClock } from "../../core/clock.ts";
import { systemRandom } from "../../core/random.ts";
import { openLeases } from "../open-leases.ts";
import type { ToRenewal } from "./messages.ts";
import { RenewalHost } from "./renewal-host.ts";
import type { ThreadMessage } from "./thread-link.ts";

/** The other end of thread-link.ts: nothing else runs in this thread that could hold it up. */
if (parentPort === null) throw new Error("this module is a thread's");
const port = parentPort;
const host = new RenewalHost({
  clock: systemClock,
  random: systemRandom,
  openLeases,
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  send: (store, message) => port.postMessage({ store, message } satisfies ThreadMessage),
});
port.on("message", (message: ToRenewal) => host.receive(message));
