import { isIP, type LookupFunction } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { buildConnector } from "undici";
import type { Clock } from "../../core/clock.ts";
import { expectedName } from "../../core/expected-name.ts";
import { openTunnel, type TunnelProxy } from "../../http2/tunnel.ts";
import type { TargetPlan, TargetTlsPlan } from "../../plan/plan.ts";
import type { ProxyPlan } from "../../plan/proxy-plan.ts";

/**
 * So long a connection is silent before the system asks whether its peer is there, as undici has
 * it.
 */
const KEEP_ALIVE_MS = 60_000;

/**
 * How connections to a target are made, for undici: for HTTP/1.1, also where the target would take
 * HTTP/2, so that one way holds for all, and what is read and kept of a connection is known. With
 * an address, that is where; the name stays that of the origin. With a proxy, through a tunnel,
 * which has the same time to be there.
 */
export function connector(
  timeoutMs: number,
  { tls, address, proxy }: Pick<TargetPlan, "tls" | "address" | "proxy">,
  clock: Clock,
): buildConnector.connector {
  const options = { timeout: timeoutMs, allowH2: false, ...tlsOptions(tls) };
  if (proxy !== undefined) return throughProxy(options, tunnelProxy(proxy, tls), clock);
  return buildConnector(address === undefined ? options : { ...options, lookup: always(address) });
}

/** Whom the target's own authorities certify may be its proxy, too. */
export function tunnelProxy(proxy: ProxyPlan, tls: TargetTlsPlan | undefined): TunnelProxy {
  return { ...proxy, ca: tls?.ca };
}

function throughProxy(
  options: { readonly timeout: number; readonly allowH2: boolean },
  proxy: TunnelProxy,
  clock: Clock,
): buildConnector.connector {
  const secure = buildConnector(options);
  return (to, callback) => {
    const host = to.hostname.replace(/^\[(.*)\]$/u, "$1");
    const port = to.port === "" ? (to.protocol === "https:" ? 443 : 80) : Number(to.port);
    const cancel = openTunnel(proxy, { host, port }, (opened) => {
      cancelTimer();
      if (opened instanceof Error) callback(opened, null);
      else if (to.protocol === "https:") secure({ ...to, httpSocket: opened }, callback);
      else callback(null, opened.setKeepAlive(true, KEEP_ALIVE_MS));
    });
    const cancelTimer = clock.after(options.timeout, () => {
      cancel();
      callback(new Error(`proxy ${proxy.host}:${proxy.port}: no connection within ${options.timeout} ms`), null);
    });
  };
}

/** In the place of a lookup. */
function always(address: string): LookupFunction {
  const family = isIP(address);
  return (_name, { all }, done) => {
    if (all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };
}

type TlsOptions = Pick<
  ConnectionOptions,
  "rejectUnauthorized" | "ca" | "cert" | "key" | "servername" | "checkServerIdentity"
>;

function tlsOptions(tls: TargetTlsPlan | undefined): TlsOptions {
  if (tls === undefined) return {};
  const options: TlsOptions = { rejectUnauthorized: !tls.insecureSkipVerify };
  if (tls.ca !== undefined) options.ca = tls.ca;
  if (tls.cert !== undefined) options.cert = tls.cert;
  if (tls.key !== undefined) options.key = tls.key;
  return tls.serverName === undefined ? options : { ...options, ...expectedName(tls.serverName) };
}
