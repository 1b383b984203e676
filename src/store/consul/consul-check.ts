import { differenceOf } from "../server-time.ts";
import type { CallOptions, StoreCheck, StoreWarning } from "../store.ts";
import { reasonOf } from "../../core/errors.ts";
import { CallTime } from "./call-time.ts";
import { fieldsOf } from "./consul-entries.ts";
import { unreadable } from "./consul-faults.ts";
import type { ConsulHttp } from "./consul-http.ts";
import { type ConsulReply, jsonOf } from "./consul-reply.ts";

/** Older ones end a session with the checks of the agent's node. */
const OLDEST = [1, 7] as const;
const ENDPOINT_MS = 3_000;

/** Throws when none of the endpoints answers a linearizable read. */
export async function checkConsul(http: ConsulHttp, hasToken: boolean, options: CallOptions): Promise<StoreCheck> {
  const time = new CallTime(options, http.clock);
  const startMs = http.clock.nowMs();
  const askedMs = http.clock.wallMs();
  // Of the keys only the first parts; those that the token may not see are left out.
  const keys = await http.read({ method: "GET", path: "/v1/kv/?keys&separator=/&consistent" }, time);
  const latencyMs = http.clock.nowMs() - startMs;
  const answeredMs = http.clock.wallMs();
  if (keys.status !== 200 && keys.status !== 404) throw http.faultOf(keys);
  if (keys.index === undefined) throw unreadable(keys, "keys"); // a server that is no Consul
  const self = await http.read({ method: "GET", path: "/v1/agent/self" }, time);
  const { version, policy } = aboutSelf(self, keys);
  return {
    latencyMs,
    version: version ?? "unknown",
    revision: keys.index,
    clock: differenceOf(keys.date, { askedMs, answeredMs }),
    warnings: [
      ...versionWarnings(version),
      ...policyWarnings(policy, hasToken),
      ...(await endpointWarnings(http, time)),
    ],
  };
}

interface AboutSelf {
  /** Undefined: the token has no right to know. */
  readonly version: string | undefined;
  readonly policy: "off" | "allow" | "deny" | undefined;
}

function aboutSelf(self: ConsulReply, keys: ConsulReply): AboutSelf {
  const { Config, DebugConfig } = fieldsOf(self.status === 200 ? jsonOf(self) : undefined);
  const { Version } = fieldsOf(Config);
  const { ACLsEnabled, ACLDefaultPolicy, ACLResolverSettings } = fieldsOf(DebugConfig);
  const told = fieldsOf(ACLResolverSettings)["ACLDefaultPolicy"] ?? ACLDefaultPolicy ?? keys.defaultPolicy;
  const known = told === "allow" || told === "deny" ? told : undefined;
  return { version: typeof Version === "string" ? Version : undefined, policy: ACLsEnabled === false ? "off" : known };
}

function versionWarnings(version: string | undefined): StoreWarning[] {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  if (version === undefined || major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return [];
  const message = `Consul ${version} ends a session when the gossip of its agent's node fails`;
  return [{ code: "old_version", message, hint: "1.7 and later can leave that out" }];
}

function policyWarnings(policy: AboutSelf["policy"], hasToken: boolean): StoreWarning[] {
  if (policy === "off") {
    const message = "ACLs are off: whoever reaches Consul can write what the fleet follows";
    return [
      {
        code: "auth_off",
        message,
        hint: 'acl { enabled = true, default_policy = "deny" } on all agents; then coordination.token',
      },
    ];
  }
  if (policy === "allow") {
    const message = "ACLs allow what they do not forbid: whoever reaches Consul can write what the fleet follows";
    return [{ code: "auth_open", message, hint: 'acl { default_policy = "deny" } on all agents' }];
  }
  if (hasToken) return [];
  return [{ code: "no_credentials", message: "Consul is asked without a token", hint: "coordination.token" }];
}

/** Of endpoints that do not answer, and of those that know no leader. */
async function endpointWarnings(http: ConsulHttp, time: CallTime): Promise<StoreWarning[]> {
  const warnings = await Promise.all(http.endpoints.map((endpoint, at) => endpointWarning(http, endpoint, at, time)));
  return warnings.filter((warning) => warning !== undefined);
}

async function endpointWarning(
  http: ConsulHttp,
  endpoint: string,
  at: number,
  time: CallTime,
): Promise<StoreWarning | undefined> {
  try {
    const request = { method: "GET", path: "/v1/status/leader" } as const;
    const reply = await http.askAt(at, request, Math.min(ENDPOINT_MS, time.leftMs), time.signal);
    if (reply.status !== 200) throw http.faultOf(reply);
    if (jsonOf(reply) !== "") return undefined;
    const hint = "consul operator raft list-peers says which of its servers are there";
    return { code: "no_leader", message: `consul ${endpoint}: it knows no leader`, hint };
  } catch (cause) {
    time.signal.throwIfAborted();
    return {
      code: "endpoint_down",
      message: reasonOf(cause),
      hint: "is it up, and does coordination.endpoints name it rightly?",
    };
  }
}
