import type { RefusedCall } from "../../control/fleet/controller-link.ts";

/** The gRPC status codes that controllers answer with. */
export const FLEET_STATUS = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

const REFUSALS: ReadonlyMap<number, RefusedCall> = new Map([
  [FLEET_STATUS.INVALID_ARGUMENT, "invalid"],
  [FLEET_STATUS.PERMISSION_DENIED, "not_allowed"],
  [FLEET_STATUS.RESOURCE_EXHAUSTED, "too_large"],
  [FLEET_STATUS.UNIMPLEMENTED, "unknown_call"],
  [FLEET_STATUS.INTERNAL, "fault"],
  [FLEET_STATUS.UNAUTHENTICATED, "unauthenticated"],
]);

/** Undefined: whoever answered may take it another time. */
export function refusedCallOf(status: number): RefusedCall | undefined {
  return REFUSALS.get(status);
}
