import { createHash } from "node:crypto";
import { Secret } from "../core/secret.ts";
import type { SecretSource } from "../core/secret-source.ts";
import { bindSampling } from "./bind-sampling.ts";
import { bindDivision } from "./compile-strategy.ts";
import { compileRoutes } from "./compile-routes.ts";
import { compileHeaders } from "./header-plan.ts";
import type { Plan, PoolPlan, ProtocolPlan, TargetCommon, TargetPlan, TargetTlsPlan } from "./plan.ts";
import type { CheckData, PlanData, PoolData, TargetData, TargetTlsData } from "./plan-data.ts";
import { compileProxies, type ProxyOf } from "./proxy-plan.ts";
import { compileResolve } from "./resolve-plan.ts";
import { readSecrets, type SecretReader, type Secrets } from "./secrets.ts";
import { compileStatuses } from "./status-verdicts.ts";
import type { CheckPlan } from "./target-health.ts";

/**
 * Makes what runs of a plan, in the process that runs it: matchers, routes, and the texts of
 * secrets, which are read here. Throws CONFIG_INVALID when one of these cannot be read. `before`:
 * the plan that runs, which stays as it is; of rules that this one has in common with it nothing is
 * made again.
 */
export async function bindPlan(data: PlanData, reader: SecretReader, before?: Plan): Promise<Plan> {
  return bindRead(data, await readSecrets(data, reader), before);
}

/** The same with secrets that have been read. Cannot fail. */
export function bindRead(data: PlanData, secrets: Secrets, before?: Plan): Plan {
  const { version, digest, nodeRegion, plugins, noConfig } = data;
  const linkKeys = data.linkKeys?.map((source) => new Secret(secrets.reveal(source)));
  const targets = bindTargetsRead(data, secrets, linkKeys?.[0]);
  const pools = new Map(data.pools.map((pool) => [pool.name, bindPool(pool)]));
  const routes = compileRoutes(data.rules, data.defaultPool, data.unmatched, pools, before?.routes);
  const { limits } = data;
  const headers = compileHeaders(routes, pools, targets, { limits, linkKeys });
  const sampling = data.sampling && bindSampling(data.sampling);
  return { version, digest, nodeRegion, plugins, noConfig, targets, pools, routes, headers, sampling, limits };
}

/**
 * Targets alone: for whoever calls them and routes nothing. What rules compile to is by far the
 * most of a large plan.
 */
export async function bindTargets(
  data: Pick<PlanData, "targets">,
  reader: SecretReader,
): Promise<Pick<Plan, "targets">> {
  return { targets: bindTargetsRead(data, await readSecrets(data, reader)) };
}

function bindTargetsRead(
  { targets }: Pick<PlanData, "targets">,
  secrets: Secrets,
  linkKey?: Secret,
): Map<string, TargetPlan> {
  const bound = new Binding(secrets, linkKey);
  return new Map(targets.map((target) => [target.id, bound.target(target)]));
}

function bindPool(pool: PoolData): PoolPlan {
  return { ...pool, division: bindDivision(pool.division) };
}

/** Binds targets with what the process has: secrets, and proxies. */
class Binding {
  readonly #secrets: Secrets;
  readonly #linkKey: Secret | undefined;
  readonly #proxyOf: ProxyOf;

  constructor(secrets: Secrets, linkKey: Secret | undefined) {
    this.#secrets = secrets;
    this.#linkKey = linkKey;
    this.#proxyOf = compileProxies(secrets.env);
  }

  target({ proxy: reference, headers, tls, health, statuses, ...same }: TargetData): TargetPlan {
    const written = reference === undefined || reference === "none" ? reference : new Secret(this.#reveal(reference));
    const proxy = this.#proxyOf(same.url, written);
    const plan = {
      ...same,
      resolve: compileResolve(same, proxy !== undefined),
      proxy,
      headers: this.#headers(headers),
      tls: tls && this.#tls(tls),
      health: { ...health, check: health.check && this.#check(health.check, written) },
      statuses: compileStatuses(statuses),
      linkKey: same.members && this.#linkKey,
    };
    return { ...plan, connectionIdentity: identityOf(plan) };
  }

  #check(check: CheckData, written: Secret | "none" | undefined): CheckPlan {
    return { ...check, proxy: this.#proxyOf(check.url, written), headers: this.#headers(check.headers) };
  }

  #tls({ ca, cert, key, serverName, insecureSkipVerify }: TargetTlsData): TargetTlsPlan {
    return {
      ca: ca && this.#reveal(ca),
      cert: cert && this.#reveal(cert),
      key: key && this.#reveal(key),
      serverName,
      insecureSkipVerify,
    };
  }

  #headers(headers: TargetData["headers"]): TargetPlan["headers"] {
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, this.#reveal(value)]));
  }

  #reveal(source: SecretSource): string {
    return this.#secrets.reveal(source);
  }
}

/**
 * What is read anew for every call, or kept by the target's id: connections do not depend on it.
 */
const READ_ANEW: ReadonlySet<string> = new Set<keyof TargetCommon>([
  "id",
  "weight",
  "region",
  "tags",
  "compression",
  "compressionLevel",
  "headers",
  "forwardHeaders",
  "linkKey",
  "timeoutMs",
  "maxInFlight",
  "maxRequestBytes",
  "health",
  "statuses",
]);

/** Changes with whatever a connection depends on: all else, and so all that only a protocol has. */
function identityOf(plan: Omit<TargetCommon, "connectionIdentity"> & ProtocolPlan): string {
  // Certificates and keys are renewed in place (data/export/client.ts): the target is the
  // same.
  const tls = plan.tls && { serverName: plan.tls.serverName, insecure: plan.tls.insecureSkipVerify };
  const resolve = plan.resolve === "one" ? "named" : "addresses";
  const depends = Object.entries({ ...plan, tls, resolve }).filter(([key]) => !READ_ANEW.has(key));
  const identity = JSON.stringify(depends.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return createHash("sha256").update(identity).digest("hex");
}
