import { Client } from "undici";
import type { Clock } from "../../core/clock.ts";
import { expectedName } from "../../core/expected-name.ts";
import { differenceOf, type TimeDifference } from "../server-time.ts";
import type { StoreTls } from "../store.ts";

/**
 * What etcd's clock says, which its API of gRPC does not: beside it, its version is told over HTTP.
 * Undefined where it is not, as with ports of their own for each (--listen-client-http-urls).
 */
export async function timeOfEtcd(
  endpoint: string,
  tls: StoreTls | undefined,
  { clock, signal, deadlineMs }: { readonly clock: Clock; readonly signal: AbortSignal; readonly deadlineMs: number },
): Promise<TimeDifference | undefined> {
  const late = new AbortController();
  const cancel = clock.after(deadlineMs, () => late.abort(new Error("late")));
  const client = new Client(endpoint, { connect: connectOptions(tls) });
  try {
    const askedMs = clock.wallMs();
    const { headers, body } = await client.request({
      method: "GET",
      path: "/version",
      signal: AbortSignal.any([signal, late.signal]),
    });
    const answeredMs = clock.wallMs();
    await body.dump();
    return differenceOf(headers["date"]?.toString(), { askedMs, answeredMs });
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    cancel();
    await client.destroy();
  }
}

function connectOptions(tls: StoreTls | undefined): NonNullable<Client.Options["connect"]> {
  return {
    ...(tls?.ca !== undefined && { ca: tls.ca }),
    ...(tls?.cert !== undefined && { cert: tls.cert }),
    ...(tls?.key !== undefined && { key: tls.key }),
    ...(tls?.serverName !== undefined && expectedName(tls.serverName)),
  };
}
