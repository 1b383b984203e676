import type { Config } from "../../../src/config/schema/config.ts";
import { loadDocument } from "../../../src/control/document/prepare.ts";
import type { FleetLinkOptions } from "../../../src/server/fleet/fleet-link-options.ts";

/** A data plane that is ready, and has nothing to ask. */
export const IDLE_PLANE: FleetLinkOptions["dataPlane"] = {
  ready: async () => ({ ready: true, reason: "" }),
  discovered: async () => undefined,
  limitAsk: async () => undefined,
  limitGranted: () => undefined,
  limits: async () => undefined,
};

/** Of a node that has carried nothing. */
export const NO_COUNTERS: FleetLinkOptions["load"]["counters"] = {
  attemptedItems: 0,
  failedItems: 0,
  requests: 0,
  refusedRequests: 0,
};

/** Of the smallest document, or of this one, which has to be valid. */
export function configOf(text = "targets: []\n"): Config {
  const { config, problems } = loadDocument(text, { name: "test", folder: "/", env: {} });
  if (config === undefined) throw new Error(problems.map(({ message }) => message).join("; "));
  return config;
}
