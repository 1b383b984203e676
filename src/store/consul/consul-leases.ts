import { RouterError } from "../../core/errors.ts";
import type { Lease, LeaseClient } from "../lease.ts";
import type { CallOptions, ConsulSettings, StoreOptions } from "../store.ts";
import { CallTime } from "./call-time.ts";
import { fieldsOf } from "./consul-entries.ts";
import { unreadable } from "./consul-faults.ts";
import { ConsulHttp, type ConsulRequest } from "./consul-http.ts";
import { type ConsulReply, jsonOf } from "./consul-reply.ts";
import { parseGoDuration } from "./go-duration.ts";
import { MIN_TTL_MS } from "./facts.ts";

/** A connection to create, renew and end sessions is enough for each of the few that a node has. */
const CONNECTIONS = 4;

/**
 * Sessions that nothing but their TTL ends: no check of the agent's node, whose gossip may fail
 * while we do not. Their keys go with them, so that the index at which a key came to be tells one
 * holder from the next, and may be locked again at once: who was cut off is kept out by that index,
 * and by its own deadline.
 */
const KIND = { LockDelay: "0s", Behavior: "delete", NodeChecks: [] };

export function openConsulLeases(settings: ConsulSettings, { clock }: Pick<StoreOptions, "clock">): LeaseClient {
  const http = new ConsulHttp(settings, CONNECTIONS, clock);
  return {
    grant: (ttlMs, options) => grant(http, Math.max(MIN_TTL_MS, ttlMs), options),
    renew: (id, options) => renew(http, id, options),
    revoke: (id, options) => revoke(http, id, options),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

/**
 * Of a session whose answer was lost nobody knows the name: it ends by itself, and holds nothing.
 */
async function grant(http: ConsulHttp, ttlMs: number, options: CallOptions): Promise<Lease> {
  const body = JSON.stringify({ ...KIND, Name: "signalbox", TTL: `${Math.ceil(ttlMs)}ms` });
  const reply = await http.read({ method: "PUT", path: "/v1/session/create", body }, new CallTime(options, http.clock));
  if (reply.status !== 200) throw http.faultOf(reply);
  const { ID: id } = fieldsOf(jsonOf(reply));
  if (typeof id !== "string") throw unreadable(reply, "a session");
  return { id, ttlMs: Math.ceil(ttlMs) };
}

async function renew(http: ConsulHttp, id: string, options: CallOptions): Promise<Lease | undefined> {
  const reply = await http.read(sessionRequest("renew", id), new CallTime(options, http.clock));
  if (reply.status === 404 && isGone(reply)) return undefined;
  if (reply.status !== 200) throw http.faultOf(reply);
  const sessions = jsonOf(reply);
  const { TTL: ttl } = fieldsOf(Array.isArray(sessions) ? sessions[0] : undefined);
  const ttlMs = typeof ttl === "string" ? parseGoDuration(ttl) : undefined;
  if (ttlMs === undefined) throw unreadable(reply, "a session");
  return { id, ttlMs };
}

async function revoke(http: ConsulHttp, id: string, options: CallOptions): Promise<void> {
  const reply = await http.read(sessionRequest("destroy", id), new CallTime(options, http.clock));
  if (reply.status !== 200) throw http.faultOf(reply);
}

/** What is no Consul says 404, too, and must not end a session. */
function isGone({ body }: ConsulReply): boolean {
  return body.length === 0 || /session/iu.test(body.toString("utf8"));
}

function sessionRequest(what: "renew" | "destroy", id: string): ConsulRequest {
  if (!/^[0-9a-f-]{36}$/u.test(id)) {
    throw new RouterError("SESSION_LOST", `consul: ${id} is no session`, { hint: "open a session anew" });
  }
  return { method: "PUT", path: `/v1/session/${what}/${id}` };
}
