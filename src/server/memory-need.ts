import type { NodeConfig } from "../config/schema/config.ts";
import type { Problem } from "../core/problem.ts";
import { arenaBytes } from "../data/admit/admission.ts";

/** What a process takes beside the bodies of requests: at rest, and for its work. */
const REST_BYTES = 188_743_680;
const MIB = 1_048_576;

/**
 * A warning when bodies, with all else that the process needs, do not fit into what the system lets
 * it have (the cgroup of a container): it would be killed when they come. `mostBytes`: of
 * `process.constrainedMemory()`; 0 where there is no such limit.
 */
export function memoryProblem({ limits }: Pick<NodeConfig, "limits">, mostBytes: number): Problem | undefined {
  const arena = arenaBytes({
    maxRequestBytes: limits.max_request_bytes,
    maxInFlightBytes: limits.max_in_flight_bytes,
  });
  if (mostBytes <= 0 || arena + REST_BYTES <= mostBytes) return undefined;
  return {
    severity: "warning",
    path: "node.limits.max_in_flight_bytes",
    message: `bodies of requests may take ${shown(arena)}, and the process ${shown(REST_BYTES)} beside; it may have ${shown(mostBytes)}`,
    hint: "lower max_in_flight_bytes and max_request_bytes, or give the container more memory",
  };
}

function shown(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
