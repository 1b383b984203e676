import { STATUS_CODES } from "node:http";
import type { AdminReply } from "./route.ts";

export const PROBLEM_TYPE = "application/problem+json";

/** An error as RFC 9457 problem details: `title` is the status in words, `detail` says what happened and how to mend it. */
export function problemReply(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): AdminReply {
  const body = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail };
  return { status, body, type: PROBLEM_TYPE, headers };
}
