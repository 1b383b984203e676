import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { Secret } from "../../src/core/secret.ts";
import { openHttp2Link } from "../../src/server/fleet/http2-link.ts";
import { openStore } from "../../src/store/open-store.ts";
import { initFleet } from "../../src/store/recipes/identity.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { startTestNode } from "../support/node.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { until, viewOf } from "./node-view.ts";

const WORLD = { clock: systemClock, random: seededRandom(5) };
const SECRET = new Secret("secret");
const ROUTES = { targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }], default_pool: { targets: ["a"] } };

/** Of `GET /api/v1/topology`. */
const TopologyView = z.object({
  regions: z.array(
    z.object({
      id: z.string(),
      health: z.string(),
      controller: z.string().nullable(),
      stale: z.boolean(),
      collectors: z.array(
        z.object({ id: z.string(), address: z.string(), health: z.string(), tags: z.record(z.string(), z.string()) }),
      ),
    }),
  ),
});

/** Of `GET /api/v1/members`. */
const SeenMembers = z.array(
  z.object({
    id: z.string(),
    region: z.string(),
    address: z.string(),
    last_seen: z.string().nullable(),
    seen_by: z.array(z.string()),
  }),
);

interface Place extends Disposable {
  readonly folder: string;
  readonly file: string;
  readonly dataDir: string;
}

function place(): Place {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-fleet-node-"));
  return {
    folder,
    file: join(folder, "signalbox.yaml"),
    dataDir: join(folder, "data"),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function formFleet(file: string): Promise<void> {
  await using store = await openStore({ kind: "embedded", file }, { ...WORLD, observer: UNOBSERVED });
  await initFleet(
    { store, prefix: "/signalbox", clock: systemClock },
    { id: "test", signal: AbortSignal.timeout(PATIENCE_MS) },
  );
}

test("a node with a listener for its fleet leads its region, follows itself, and tells it", async () => {
  using at = place();
  const node = {
    id: "n1",
    region: "eu",
    tags: { tier: "gateway" },
    data_dir: at.dataDir,
    fleet: { token: "secret", listen: { address: "127.0.0.1:0" } },
  };
  const running = await startTestNode({ node, ...ROUTES }, { file: at.file });
  // Its store has no fleet yet: what it is told holds nothing.
  const before = await until(async () => {
    const { controller } = await viewOf(running);
    return controller?.state === "alone" ? controller : undefined;
  });
  assert.match(before.reason ?? "", /no fleet/u);
  await formFleet(join(at.dataDir, "store.sqlite"));
  const view = await until(async () => {
    const now = await viewOf(running);
    return now.controller?.state === "following" ? now : undefined;
  });
  const { id, epoch } = view.controller ?? {};
  assert.equal(id, "n1");
  assert.match(epoch ?? "", /^1\.\d+$/u);
  const address = view.addresses.fleet ?? "";
  const link = openHttp2Link({ id: "n1", address, tls: false }, { token: () => SECRET, tls: {}, ...WORLD });
  const members = { protocol: 1, region: "eu", limit: 10 };
  const call = { signal: AbortSignal.timeout(PATIENCE_MS), timeoutMs: PATIENCE_MS };
  const page = await link.call("members", members, call);
  assert.ok(page.kind === "reply");
  const [member] = page.reply.members;
  assert.deepEqual([member?.id, member?.region, member?.state], ["n1", "eu", "live"]);
  assert.equal(member?.addresses["otlpGrpc"], running.grpc);
  assert.equal(await running.metric("fleetCalls", "members", "ok"), 1);
  const topology = await until(async () => {
    const answer = await fetch(`http://${running.admin}/api/v1/topology`);
    const { regions } = TopologyView.parse(await answer.json());
    return regions[0]?.collectors.length === 1 && regions[0].health === "healthy" ? regions : undefined;
  });
  const collectors = [{ id: "n1", address: running.grpc, health: "healthy", tags: { tier: "gateway" } }];
  assert.deepEqual(topology, [{ id: "eu", health: "healthy", controller: "n1", stale: false, collectors }]);
  const [listed] = SeenMembers.parse(await (await fetch(`http://${running.admin}/api/v1/members`)).json());
  assert.deepEqual([listed?.id, listed?.region, listed?.address, listed?.seen_by], ["n1", "eu", running.grpc, ["n1"]]);
  assert.notEqual(listed?.last_seen, null);
  await running.stop();
  assert.equal((await link.call("members", members, call)).kind, "unreachable");
  await link[Symbol.asyncDispose]();
});

test("a node without a shared store and without a listener is alone, and opens nothing", async () => {
  await using running = await startTestNode({ ...ROUTES });
  const { controller, addresses } = await viewOf(running);
  assert.deepEqual([controller, addresses.fleet], [null, null]);
});
