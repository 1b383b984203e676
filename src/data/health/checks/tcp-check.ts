import { connect } from "node:net";
import type { Clock } from "../../../core/clock.ts";
import { reasonOf } from "../../../core/errors.ts";
import type { Check, CheckOutcome } from "../check.ts";

/** Whether somebody accepts connections at the URL's host, or in its place an address, and port; the connection is closed at once. */
export function openTcpCheck(url: () => string, address: string | undefined, clock: Clock): Check {
  return {
    run(timeoutMs, done) {
      const { host, port } = addressOf(url());
      const socket = connect({ host: address ?? host, port });
      const cancelTimer = clock.after(timeoutMs, () => {
        end({ result: "timeout", said: `no connection within ${timeoutMs} ms` });
      });
      let ended = false;
      const end = (outcome: CheckOutcome | undefined): void => {
        if (ended) return;
        ended = true;
        cancelTimer();
        socket.destroy();
        if (outcome !== undefined) done(outcome);
      };
      socket.on("connect", () => end({ result: "passed", said: "connected" }));
      socket.on("error", (error) => end({ result: "failed", said: reasonOf(error) }));
      return () => end(undefined);
    },
    async [Symbol.asyncDispose]() {
      // Every check closes its own connection.
    },
  };
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(text);
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return { host, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
}
