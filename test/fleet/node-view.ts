import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { callApi } from "../admin/api-client.ts";
import { PATIENCE_MS } from "../support/patience.ts";

/** Each look at a topology is several calls of its own. */
const LOOK_MS = 250;

/** A node that is asked by its API; in this process, or in another one. */
export interface AskedNode {
  readonly admin: string;
}

/** Of `GET /api/v1/node`. */
const NodeView = z.object({
  region_settings: z.string(),
  addresses: z.object({ fleet: z.string().nullable() }),
  controller: z
    .object({
      state: z.string(),
      id: z.string().nullable(),
      epoch: z.string().nullable(),
      reason: z.string().nullable(),
    })
    .nullable(),
  config: z.object({
    version: z.number(),
    fleet: z
      .object({
        from: z.string(),
        trouble: z.object({ kind: z.string(), reason: z.string() }).nullable(),
        acknowledged: z.object({ version: z.number(), result: z.string(), reason: z.string() }).nullable(),
      })
      .nullable(),
  }),
});

/** Of `GET /api/v1/topology`. */
const TopologyView = z.object({
  stale: z.boolean(),
  regions: z.array(
    z.object({
      id: z.string(),
      health: z.string(),
      controller: z.string().nullable(),
      stale: z.boolean(),
      collectors: z.array(
        z.object({ id: z.string(), address: z.string(), health: z.string(), config_version: z.number() }),
      ),
    }),
  ),
});

/** What a node tells of itself. */
export async function viewOf(node: AskedNode): Promise<z.output<typeof NodeView>> {
  return NodeView.parse((await callApi(node.admin, "/api/v1/node")).json());
}

/** What it tells of its fleet; undefined: it cannot at the moment. */
export async function topologyOf(node: AskedNode): Promise<z.output<typeof TopologyView> | undefined> {
  const answer = await callApi(node.admin, "/api/v1/topology");
  return answer.status === 200 ? TopologyView.parse(answer.json()) : undefined;
}

/** `eu: c1 > c1 n1`: regions with their controllers and collectors, as a node tells them. */
export async function rollOf(node: AskedNode): Promise<string> {
  const regions = (await topologyOf(node))?.regions ?? [];
  return regions
    .map(({ id, controller, collectors }) => `${id}: ${controller} > ${collectors.map((one) => one.id).join(" ")}`)
    .join(", ");
}

/** Looks again and again, until there is something. */
export async function until<T>(check: () => Promise<T | undefined>): Promise<T> {
  for (const endMs = Date.now() + PATIENCE_MS; ; ) {
    // oxlint-disable-line no-restricted-globals -- it waits for real processes
    const found = await check();
    if (found !== undefined) return found;
    assert.ok(Date.now() < endMs, "it did not come to be"); // oxlint-disable-line no-restricted-globals -- as above
    await pause(LOOK_MS);
  }
}

/** Likewise, until it tells what is wanted; fails with what it told last. */
export async function untilEqual<T>(want: T, check: () => Promise<T>): Promise<void> {
  let seen: T | undefined;
  try {
    await until(async () => {
      seen = await check();
      return seen === want ? true : undefined;
    });
  } catch (cause) {
    assert.equal(seen, want, String(cause));
  }
}

/** Until a node follows a controller. */
export async function follows(node: AskedNode, id: string): Promise<void> {
  await untilEqual(`following ${id}`, async () => {
    const { controller } = await viewOf(node);
    return `${controller?.state} ${controller?.id}`;
  });
}

/** Until nodes run a version of the fleet's config. */
export async function run(nodes: readonly AskedNode[], version: number): Promise<void> {
  for (const node of nodes) await untilEqual(version, async () => (await viewOf(node)).config.version);
}
