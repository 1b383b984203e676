import { STATUS_CODES } from "node:http";
import type { AdminReply } from "./route.ts";

export const PROBLEM_TYPE = "application/problem+json";

/**
 * An error as RFC 9457 problem details: `title` is the status in words, `detail` says what happened and how to mend it;
 * `more` are members of its own.
 */
export function problemReply(status: number, detail: string, extra: ProblemExtra = {}): AdminReply {
  const body = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail, ...extra.more };
  return { status, body, type: PROBLEM_TYPE, headers: extra.headers ?? {} };
}

export interface ProblemExtra {
  readonly headers?: Readonly<Record<string, string>>;
  readonly more?: object;
}
