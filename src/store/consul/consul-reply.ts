import type { IncomingHttpHeaders } from "node:http";

/** What Consul answered, and who of it. */
export interface ConsulReply {
  readonly endpoint: string;
  readonly status: number;
  /** Undefined where the answer has none. */
  readonly index: bigint | undefined;
  /** Whether the token may not see all that was asked for; only newer servers say so. */
  readonly isFiltered: boolean;
  /** `allow` or `deny`; only newer servers say so. */
  readonly defaultPolicy: string | undefined;
  /** When it answered, by its clock. */
  readonly date: string | undefined;
  readonly body: Buffer;
}

export function readReply(endpoint: string, status: number, headers: IncomingHttpHeaders, body: Buffer): ConsulReply {
  const index = headers["x-consul-index"];
  return {
    endpoint,
    status,
    index: typeof index === "string" && /^\d{1,19}$/u.test(index) ? BigInt(index) : undefined,
    isFiltered: headers["x-consul-results-filtered-by-acls"] === "true",
    defaultPolicy: headers["x-consul-default-acl-policy"]?.toString(),
    date: headers.date,
    body,
  };
}

/** The first line of what it says, for people. */
export function textOf({ body }: ConsulReply): string {
  return body.subarray(0, MAX_TEXT_BYTES).toString("utf8").trim().split("\n", 1)[0] ?? "";
}

const MAX_TEXT_BYTES = 512;

/** Undefined when it is no JSON. */
export function jsonOf({ body }: ConsulReply): unknown {
  try {
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether this server cannot do it now, and another, or later the same, may. */
export function isTransient({ status }: ConsulReply): boolean {
  return status >= 500 || status === 429;
}

/** Whether it says for certain that nothing was done. */
export function isUntouched(reply: ConsulReply): boolean {
  return reply.status === 429 || /no cluster leader|rate limit/iu.test(textOf(reply));
}
