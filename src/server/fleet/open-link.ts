import type { ControllerLink } from "../../control/fleet/controller-link.ts";
import { createLocalLink } from "../../control/fleet/local-link.ts";
import type { ControllerAddress } from "../../control/fleet/messages.ts";
import type { FleetLinkOptions } from "./fleet-link-options.ts";
import { openHttp2Link } from "./http2-link.ts";
import type { ServingController } from "./serving-controller.ts";

/**
 * To itself a node does not go over sockets. Certificates are those of now, the token is that of
 * each call.
 */
export function openLink(
  { walk, env }: FleetLinkOptions,
  controller: Pick<ServingController, "calls" | "self"> | undefined,
  to: ControllerAddress,
): ControllerLink {
  if (controller !== undefined && to.id === controller.self.id) return createLocalLink(to, controller.calls, env.clock);
  const { tls = {} } = walk.status.running.node.fleet;
  const { ca, cert, key, server_name: serverName } = tls;
  return openHttp2Link(to, {
    token: () => walk.status.running.node.fleet.token,
    tls: { ca, cert, key: key?.reveal(), serverName },
    ...env,
  });
}
