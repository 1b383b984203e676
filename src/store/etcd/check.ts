import { Client } from "undici";
import { status } from "@grpc/grpc-js";
import type { Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { expectedName } from "../../core/expected-name.ts";
import { differenceOf, type TimeDifference } from "../server-time.ts";
import {
  CALL_DEADLINE_MS,
  type CallOptions,
  type StoreCheck,
  type StoreTls,
  type StoreWarning,
  type StoreWarningCode,
} from "../store.ts";
import { type EtcdFault, isCompacted, storeError, wordsOf } from "./fault.ts";
import { encodeNothing, type StatusResponse } from "./messages.ts";
import { STATUS } from "./methods.ts";
import type { RangeReader } from "./range.ts";
import type { Rpc, RpcAnswer } from "./rpc.ts";

interface CheckParts {
  readonly rpc: Rpc;
  readonly reader: RangeReader;
  readonly clock: Clock;
  /** One that may be read, as far as is known: users have rights on the prefix alone. */
  readonly key: string;
  readonly compacts: boolean;
  readonly tls: StoreTls | undefined;
}

/** An endpoint that says nothing for so long counts as down. */
const STATUS_DEADLINE_MS = 2_000;
/** So many revisions and nothing compacted: nobody compacts. With fewer it cannot be told. */
export const MANY_REVISIONS = 10_000n;
const DEFAULT_QUOTA = 2_147_483_648;

/** Throws when no endpoint does a linearizable read. */
export async function checkEtcd(parts: CheckParts, options: CallOptions): Promise<StoreCheck> {
  const { reader, clock, rpc } = parts;
  const key = Buffer.from(parts.key);
  const startedMs = clock.nowMs();
  const untilMs = startedMs + (options.deadlineMs ?? CALL_DEADLINE_MS);
  const read = await reader.range({ key, limit: 1, keysOnly: true }, options);
  const latencyMs = clock.nowMs() - startedMs;
  // Rights are looked at after the read is known to be the newest, so that a refusal is an answer.
  if (!read.ok && !isDenied(read.faults)) throw storeError(read.faults);
  const deadlineMs = Math.min(STATUS_DEADLINE_MS, untilMs - clock.nowMs());
  const { endpoint: answering } = rpc.channel.current();
  const [difference, ...each] = await Promise.all([
    timeOfEtcd(answering, parts.tls, { clock, signal: options.signal, deadlineMs }),
    ...rpc.channel.endpoints.map((endpoint, index) => statusOf(parts, endpoint, index, { ...options, deadlineMs })),
  ]);
  const up = each.flatMap(({ status: one }) => (one === undefined ? [] : [one]));
  const first = up[0];
  if (first === undefined) throw new RouterError("STORE_UNREACHABLE", "no endpoint of etcd tells its status");
  const revision = read.ok ? read.value.header.revision : first.header.revision;
  const warnings = [...each.flatMap(({ warnings: some }) => some), ...clusterWarnings(up), ...versionWarnings(up)];
  if (await seemsNeverCompacted(parts, revision, options)) warnings.push(NO_COMPACTION);
  if (rpc.tokens.isNeedless) warnings.push(AUTH_OFF);
  return { latencyMs, version: oldest(up).version, revision, clock: difference, warnings };
}

function isDenied(faults: readonly EtcdFault[]): boolean {
  return faults.at(-1)?.code === status.PERMISSION_DENIED;
}

interface EndpointStatus {
  readonly status: StatusResponse | undefined;
  readonly warnings: StoreWarning[];
}

async function statusOf(
  { rpc, clock }: CheckParts,
  endpoint: string,
  index: number,
  { signal, deadlineMs }: CallOptions & { deadlineMs: number },
): Promise<EndpointStatus> {
  const limits = { clock, signal, deadlineMs };
  const connection = rpc.channel.to(index);
  const token = await rpc.tokens.get(connection, limits);
  const answer = token.ok ? await connection.unary(STATUS, encodeNothing(), token.value, limits) : token;
  if (answer.ok) return { status: answer.value, warnings: warningsOf(endpoint, answer.value) };
  const message = `etcd ${endpoint} is down: ${wordsOf(answer.fault)}`;
  return {
    status: undefined,
    warnings: [{ code: "endpoint_down", message, hint: "start it again, or take it out of the endpoints" }],
  };
}

function warningsOf(endpoint: string, { leader, errors, dbSize, dbSizeQuota }: StatusResponse): StoreWarning[] {
  const warnings: StoreWarning[] = [];
  const warn = (code: StoreWarningCode, message: string, hint: string): void =>
    void warnings.push({ code, message: `etcd ${endpoint} ${message}`, hint });
  if (leader === 0n)
    warn("no_leader", "sees no leader", "look at `etcdctl endpoint status --cluster`: is more than half of it there?");
  if (errors.some((error) => error.includes("NOSPACE")))
    warn(
      "no_room",
      "has no room (alarm NOSPACE): nothing can be written",
      "`etcdctl compact REVISION`, `etcdctl defrag`, then `etcdctl alarm disarm`",
    );
  if (errors.some((error) => error.includes("CORRUPT")))
    warn(
      "corrupt",
      "has found its data corrupt (alarm CORRUPT)",
      "replace the member: etcd's guide to disaster recovery",
    );
  const quota = dbSizeQuota > 0 ? dbSizeQuota : DEFAULT_QUOTA;
  if (dbSize > 0.8 * quota)
    warn(
      "little_room",
      `holds ${Math.round(dbSize / 1_048_576)} MiB of ${Math.round(quota / 1_048_576)}`,
      "`etcdctl compact REVISION`, then `etcdctl defrag`, or raise --quota-backend-bytes",
    );
  return warnings;
}

function clusterWarnings(up: readonly StatusResponse[]): StoreWarning[] {
  if (new Set(up.map(({ header }) => header.clusterId)).size < 2) return [];
  const message = "the endpoints of etcd are of different clusters: what is written to one is not in the others";
  return [{ code: "other_cluster", message, hint: "coordination.endpoints has to name members of one cluster" }];
}

const AUTH_OFF: StoreWarning = {
  code: "auth_off",
  message: "etcd asks nobody who they are: it has not looked at the password, and any other would have done",
  hint: "switch authentication on (etcdctl auth enable, once there is a root user): docs/coordination.md has the commands",
};

const NO_COMPACTION: StoreWarning = {
  code: "never_compacted",
  message: "etcd keeps its whole history: it grows until there is no room",
  hint: "start etcd with --auto-compaction-mode=periodic --auto-compaction-retention=1h, or set coordination.compact: true where nobody else uses it",
};

/** False also where it cannot be known. */
async function seemsNeverCompacted(parts: CheckParts, revision: bigint, options: CallOptions): Promise<boolean> {
  if (revision < MANY_REVISIONS || parts.compacts) return false;
  const range = { key: Buffer.from(parts.key), limit: 1, keysOnly: true, revision: 1n };
  const answer: RpcAnswer<unknown> = await parts.reader.range(range, options);
  return answer.ok || (!isDenied(answer.faults) && !answer.faults.some(isCompacted));
}

/**
 * Losing an event of a watch after a compaction, and changes that go back, were mended in 3.4.38.
 */
function versionWarnings(up: readonly StatusResponse[]): StoreWarning[] {
  const { version } = oldest(up);
  if (numberOf(version) >= numberOf("3.4.38")) return [];
  const message = `etcd ${version} has known faults of watches and leases, some of which lose changes`;
  return [
    {
      code: "old_version",
      message,
      hint: "use 3.4.38 or newer, better 3.5 or 3.6; until then what was missed is found within ten minutes",
    },
  ];
}

function oldest(up: readonly StatusResponse[]): StatusResponse {
  return up.reduce((old, one) => (numberOf(one.version) < numberOf(old.version) ? one : old));
}

function numberOf(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.+-]/u).map(Number);
  return major * 1_000_000 + minor * 1_000 + patch;
}

/**
 * What etcd's clock says, which its API of gRPC does not: beside it, its version is told over HTTP.
 * Undefined where it is not, as with ports of their own for each (--listen-client-http-urls).
 */
async function timeOfEtcd(
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
