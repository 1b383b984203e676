import type { ConfigInput } from "../../config/schema/config.ts";
import type { TargetSet } from "../../data/target-set.ts";
import { type EmbedOptions, openParts, readDocument, type Written } from "./parts.ts";

/** One target as it stands in a config. */
export type TargetInput = Written<NonNullable<ConfigInput["targets"]>[number]>;

/** Targets that whoever opened them closes. */
export interface OpenTargets extends TargetSet, AsyncDisposable {}

/**
 * Opens targets by themselves: the health checker. They are checked from now on, each on its own,
 * and everything that is sent to them counts. Throws CONFIG_INVALID and TLS_INVALID.
 */
export async function openTargets(targets: readonly TargetInput[], options: EmbedOptions = {}): Promise<OpenTargets> {
  const { embedded } = await openParts(readDocument({ targets }, options), { checks: "run", ...options });
  const { dataPlane, targets: set } = embedded;
  return {
    get statuses() {
      return set.statuses;
    },
    status: (id) => set.status(id),
    operate: (id, override) => set.operate(id, override),
    send: (id, signal, bytes, timeoutMs) => set.send(id, signal, bytes, timeoutMs),
    balancer: (strategy, balancing) => set.balancer(strategy, balancing),
    [Symbol.asyncDispose]: () => dataPlane[Symbol.asyncDispose](),
  };
}
