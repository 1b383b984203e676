import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { TestNode } from "../support/node.ts";
import { PATIENCE_MS } from "../support/patience.ts";

/** Of `GET /api/v1/node`. */
const NodeView = z.object({
  addresses: z.object({ fleet: z.string().nullable() }),
  controller: z
    .object({
      state: z.string(),
      id: z.string().nullable(),
      epoch: z.string().nullable(),
      reason: z.string().nullable(),
    })
    .nullable(),
});

/** What a node tells of itself. */
export async function viewOf(node: TestNode): Promise<z.output<typeof NodeView>> {
  const response = await fetch(`http://${node.admin}/api/v1/node`);
  return NodeView.parse(await response.json());
}

/** Looks again and again, until there is something. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const endMs = Date.now() + PATIENCE_MS; ; ) {
    // oxlint-disable-line no-restricted-globals -- it waits for real processes
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < endMs, "it did not come to be"); // oxlint-disable-line no-restricted-globals -- as above
    await pause(20);
  }
}
