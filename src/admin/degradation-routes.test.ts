import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { isoTime } from "../core/iso-time.ts";
import { RouterError } from "../core/errors.ts";
import type { CallOptions } from "../store/store.ts";
import type { AdminContext } from "./context.ts";
import { degradationRoutes } from "./degradation-routes.ts";
import { fleetNodes } from "./fleet-view.ts";
import type { AdminReply, AdminRequest } from "./route.ts";

test("degradation: an order for the fleet is written for as long as whoever asked waits", async () => {
  const gone = new AbortController();
  const seen: AbortSignal[] = [];
  const context = {
    degradation: { status: { isAlone: false } },
    env: { clock: new ManualClock() },
    facts: { id: "n1" },
    fleetDegradation: (_order: unknown, { signal }: CallOptions) => {
      seen.push(signal);
      const { promise, reject } = Promise.withResolvers<undefined>();
      signal.addEventListener("abort", () => reject(new RouterError("STORE_UNREACHABLE", "the call was ended")));
      return promise;
    },
  } as unknown as AdminContext;
  const route = degradationRoutes(context).find(({ method }) => method === "PATCH")!;
  const body = { type: "json", text: '{"fleet":true}' };
  const asked = { body, role: "operator", signal: gone.signal } as unknown as AdminRequest;
  const reply: Promise<AdminReply> = Promise.resolve(route.handle(asked));
  await new Promise(setImmediate);
  gone.abort();
  assert.equal((await reply).status, 503);
  assert.equal(seen[0]?.aborted, true);
});

test("degradation: of a controller that tells of ever more pages with nobody in them, no more than a hundred are read", async () => {
  let pages = 0;
  const topology = {
    read: async () => ({
      regions: [{ id: "eu", collectors: [], collectors_total: 9, stale: false, next: `${++pages}` }],
    }),
  };
  const { signal } = new AbortController();
  const fleet = await fleetNodes(topology as unknown as AdminContext["topology"], signal);
  assert.deepEqual([fleet, pages], [{ nodes: [], leftOut: 9 }, 100]);
});

test("degradation: who orders something of the fleet is told what, and until when", async () => {
  const clock = new ManualClock();
  const context = {
    degradation: {
      status: { level: 0, measured: { level: 0 }, sinceMs: 0, isAlone: false },
      order: async () => undefined,
    },
    env: { clock },
    facts: { id: "n1" },
    fleetDegradation: async () => undefined,
  } as unknown as AdminContext;
  const route = degradationRoutes(context).find(({ method }) => method === "PATCH")!;
  const ordered = async (text: string): Promise<unknown> => {
    const asked = { body: { type: "json", text }, role: "operator", signal: new AbortController().signal };
    const { status, body } = await route.handle(asked as unknown as AdminRequest);
    assert.equal(status, 200);
    return (body as { readonly fleet_order?: unknown }).fleet_order;
  };
  const until = isoTime(clock.wallMs() + 300_000);
  assert.deepEqual(await ordered('{"fleet":true,"for":"5m"}'), { degraded: true, until });
  assert.deepEqual(await ordered('{"fleet":false,"for":"5m"}'), { degraded: false, until });
  assert.deepEqual([await ordered('{"fleet":null}'), await ordered('{"level":null}')], [null, undefined]);
});

test("degradation: where a region has a page no more, those of the pages before are told", async () => {
  const first = {
    id: "eu",
    collectors: [{ id: "a", health: "healthy" }],
    collectors_total: 3,
    stale: false,
    next: "a",
  };
  const topology = {
    read: async ({ after }: { readonly after?: string }) => ({ regions: after === undefined ? [first] : [] }),
  };
  const { signal } = new AbortController();
  const { nodes, leftOut } = await fleetNodes(topology as unknown as AdminContext["topology"], signal);
  assert.deepEqual([nodes.map(({ node }) => node.id), leftOut], [["a"], 2]);
});
