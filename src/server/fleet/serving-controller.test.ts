import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { freePorts } from "../../../test/support/free-port.ts";
import { systemClock } from "../../core/clock.ts";
import { seededRandom } from "../../core/random.ts";
import { forgetfulMemory } from "../../store/recipes/fleet-memory.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import type { FleetLinkOptions } from "./fleet-link-options.ts";
import { openServingController } from "./serving-controller.ts";

test("a controller that cannot begin leaves no listener behind", async () => {
  const env = { clock: systemClock, random: seededRandom(1), log: recordedLog(systemClock), metrics: createMetrics() };
  const place = { store: new FakeStore(), prefix: "/t", ...env };
  const [port] = await freePorts(1);
  const address = { host: "127.0.0.1", port };
  const options = {
    node: { region: "no key", roles: ["controller"], fleet: { listen: { address }, report_interval: 5_000 } },
    facts: { id: "n1", version: "1" },
    env,
    memory: forgetfulMemory(),
    openStore: async () => ({ place, [Symbol.asyncDispose]: async () => undefined }),
    leaderTasks: {},
  } as unknown as FleetLinkOptions;
  await assert.rejects(openServingController(options), /cannot be the id of a region/u);
  const server = createServer().listen(address);
  await once(server, "listening");
  server.close();
});
