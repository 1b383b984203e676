import type { ExportResponse } from "../../otlp/response.ts";
import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";

/** What an Export reply in JSON says. Not ok when it is not JSON. */
export function rejectedInJson(signal: Signal, body: Buffer): ExportResponse {
  let reply: unknown;
  try {
    reply = JSON.parse(body.toString("utf8"));
  } catch {
    return { ok: false };
  }
  const partial = fieldOf(reply, "partialSuccess");
  const rejected = Number(fieldOf(partial, SIGNAL_FACTS[signal].rejectedField) ?? 0);
  const message = fieldOf(partial, "errorMessage");
  return {
    ok: true,
    rejected: Number.isFinite(rejected) ? rejected : 0,
    message: typeof message === "string" ? message : "",
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
