/** The gRPC status codes that a transport gives by itself (grpc/doc/statuscodes.md). */
export const STATUS = { OK: 0, RESOURCE_EXHAUSTED: 8, INTERNAL: 13 } as const;

/** Of one `grpc-status` header: the code, or undefined when it is not a number of gRPC's shape. */
export function parseStatus(text: string): number | undefined {
  return /^\d{1,9}$/u.test(text) ? Number(text) : undefined;
}
