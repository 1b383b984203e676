import type { NodeConfig } from "../config/schema/config.ts";
import type { Problem } from "../core/problem.ts";
import { arenaBytes } from "../data/admit/admission.ts";
import { listenOptions } from "./listen-options.ts";

/** What a data plane takes beside the bodies of requests: at rest, and for its work. */
const REST_BYTES = 188_743_680;
/** What the main process takes that has workers. */
const MAIN_BYTES = 104_857_600;
const MIB = 1_048_576;

/**
 * A warning when bodies, with all else that the processes of a node need, do not fit into what the
 * system lets it have (the cgroup of a container): it would be killed when they come. `mostBytes`:
 * of `process.constrainedMemory()`; 0 where there is no such limit.
 */
export function memoryProblem(node: NodeConfig, workers: number, mostBytes: number): Problem | undefined {
  const { limits } = listenOptions(node);
  const planes = Math.max(1, workers);
  const arenas = planes * arenaBytes(limits, planes);
  const rest = workers === 0 ? REST_BYTES : MAIN_BYTES + workers * REST_BYTES;
  if (mostBytes <= 0 || arenas + rest <= mostBytes) return undefined;
  const [who, few] = workers === 0 ? ["the process", ""] : [`main process and workers (${workers})`, "node.workers, "];
  return {
    severity: "warning",
    path: "node.limits.max_in_flight_bytes",
    message: `bodies of requests may take ${shown(arenas)}, and ${who} ${shown(rest)} beside; the node may have ${shown(mostBytes)}`,
    hint: `lower ${few}max_in_flight_bytes and max_request_bytes, or give the container more memory`,
  };
}

function shown(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
