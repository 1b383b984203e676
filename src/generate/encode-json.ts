import type { Model } from "./model.ts";

const encoder = new TextEncoder();

/** OTLP/JSON bytes of a request. */
export function encodeJson(model: Model): Uint8Array {
  const { signal: _, ...request } = model;
  return encoder.encode(JSON.stringify(request, leaveOutEmpty));
}

/** An empty text is absent in proto3 JSON; arrays and objects are walked. */
function leaveOutEmpty(_key: string, value: unknown): unknown {
  return value === "" ? undefined : value;
}
