import { connect } from "node:net";
import type { Cancel, Clock } from "../../../core/clock.ts";
import { reasonOf } from "../../../core/errors.ts";
import { openTunnel } from "../../../http2/tunnel.ts";
import type { TargetPlan } from "../../../plan/plan.ts";
import { tunnelProxy } from "../../connect/tunnel-proxy.ts";
import type { Check, CheckOutcome } from "../check.ts";

type Where = Pick<TargetPlan, "url" | "address" | "proxy" | "tls">;

/**
 * Whether somebody accepts connections at the URL's host, or in its place an address, and port; the
 * connection is closed at once. Through a proxy it is the proxy that connects, and says so.
 */
export function openTcpCheck(where: Where, clock: Clock): Check {
  return {
    run(timeoutMs, done) {
      let ended = false;
      const end = (outcome: CheckOutcome | undefined): void => {
        if (ended) return;
        ended = true;
        cancelTimer();
        drop();
        if (outcome !== undefined) done(outcome);
      };
      const drop = tryConnect(where, (failure) => {
        end(failure === undefined ? { result: "passed", said: "connected" } : { result: "failed", said: failure });
      });
      const cancelTimer = clock.after(timeoutMs, () => {
        end({ result: "timeout", said: `no connection within ${timeoutMs} ms` });
      });
      return () => end(undefined);
    },
    async [Symbol.asyncDispose]() {
      // Every check closes its own connection.
    },
  };
}

/** Tells why there is no connection, or that there is one. The result ends it, or the attempt. */
function tryConnect({ url, address, proxy, tls }: Where, tell: (failure: string | undefined) => void): Cancel {
  const { host, port } = addressOf(url);
  if (proxy !== undefined) {
    return openTunnel(tunnelProxy(proxy, tls), { host, port }, (opened) => {
      if (!(opened instanceof Error)) opened.on("error", () => undefined).destroy();
      tell(opened instanceof Error ? opened.message : undefined);
    });
  }
  const socket = connect({ host: address ?? host, port });
  socket.on("connect", () => tell(undefined));
  socket.on("error", (error) => tell(reasonOf(error)));
  return () => void socket.destroy();
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(text);
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return { host, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
}
