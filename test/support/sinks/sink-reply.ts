/**
 * Replies of an OTLP server, written by hand so that tests do not check Signalbox's encoder with
 * itself. Field numbers: opentelemetry-proto 1.11 collector services, google/rpc/status.proto,
 * google/rpc/error_details.proto.
 */

/** Export<Signal>ServiceResponse; empty for full success. */
export function exportResponse(rejected: number, message: string): Uint8Array {
  if (rejected === 0 && message === "") return new Uint8Array(0);
  return lengthDelimited(1, Buffer.concat([varintField(1, rejected), lengthDelimited(2, Buffer.from(message))]));
}

/** google.rpc.Status, with a RetryInfo when there is a delay. */
export function rpcStatus(code: number, message: string, retryAfterMs: number | undefined): Uint8Array {
  const parts = [varintField(1, code), lengthDelimited(2, Buffer.from(message))];
  if (retryAfterMs !== undefined) parts.push(lengthDelimited(3, retryInfo(retryAfterMs)));
  return Buffer.concat(parts);
}

function retryInfo(delayMs: number): Uint8Array {
  const seconds = Math.floor(delayMs / 1_000);
  const nanos = Math.round((delayMs - seconds * 1_000) * 1_000_000);
  const delay = lengthDelimited(1, Buffer.concat([varintField(1, seconds), varintField(2, nanos)]));
  return Buffer.concat([
    lengthDelimited(1, Buffer.from("type.googleapis.com/google.rpc.RetryInfo")),
    lengthDelimited(2, delay),
  ]);
}

function lengthDelimited(field: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

function varintField(field: number, value: number): Uint8Array {
  return value === 0 ? new Uint8Array(0) : Buffer.concat([varint(field * 8), varint(value)]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
