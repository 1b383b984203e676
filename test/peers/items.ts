import assert from "node:assert/strict";
import { requestOf } from "../support/items.ts";
import type { TestNode } from "../support/node.ts";

export const MIB = 1_048_576;

/** As many names, each other than the others. */
export function names(count: number, prefix = "span"): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}_${i}`);
}

/** A request with one span of this name. */
export function span(name: string): Uint8Array {
  return requestOf("traces", [{ name }]);
}

/** A request with one span of at least as many bytes. */
export function largeSpan(bytes: number): Uint8Array {
  return span("x".repeat(bytes));
}

/** A message with gRPC's 5-byte prefix. */
export function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** No connection of the node ended because of an error or an abuse of HTTP/2. */
export async function assertNoFaults(node: TestNode): Promise<void> {
  const faults = (await node.series("http2Faults")).filter(({ value }) => value > 0);
  assert.deepEqual(
    faults.map(({ labels }) => labels),
    [],
  );
}
