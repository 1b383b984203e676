import { monitorEventLoopDelay } from "node:perf_hooks";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema/config.ts";
import type { ConfigStatus } from "../../src/control/apply.ts";
import { systemClock } from "../../src/core/clock.ts";
import { collectAll } from "../../src/core/collect.ts";
import { systemRandom } from "../../src/core/random.ts";
import { VERSION } from "../../src/core/version.ts";
import { digestOf } from "../../src/control/fleet/directive.ts";
import { openServingController, type ServingController } from "../../src/server/fleet/serving-controller.ts";
import { openStore } from "../../src/store/open-store.ts";
import { forgetfulMemory } from "../../src/store/recipes/fleet-memory.ts";
import { readFleet } from "../../src/store/recipes/identity.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import type { StoreObserver } from "../../src/store/store.ts";
import type { Env } from "../../src/telemetry/env.ts";
import { createLedger } from "../../src/telemetry/ledger.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { answerParent, argumentsOf, tellParent } from "../messages.ts";
import type {
  ControllerNode,
  ControllersArguments,
  ControllersFigures,
  ControllersReport,
  ControllersRequest,
} from "./messages.ts";
import { IDLE_PLANE, NO_COUNTERS } from "../../test/support/fleet/idle-node.ts";

/** The controllers of some regions, as nodes have them; nothing of a data plane. */
const { settings, prefix, nodes, reportIntervalMs } = argumentsOf<ControllersArguments>();
const NS_PER_MS = 1e6;

const world = { clock: systemClock, random: systemRandom };
const metrics = createMetrics();
const log = createLog({
  ...world,
  write: (line) => void process.stderr.write(line),
  level: "warn",
  format: "text",
  colour: false,
});
const env: Env = { ...world, log, metrics, ledger: createLedger() };
const renewals = { count: 0, leastMs: Number.POSITIVE_INFINITY, lost: 0 };
const observer: StoreObserver = {
  ...UNOBSERVED,
  renewed(marginMs) {
    renewals.count++;
    renewals.leastMs = Math.min(renewals.leastMs, marginMs);
  },
  sessionLost: () => void renewals.lost++,
};
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();
const controllers = await Promise.all(nodes.map(open));

answerParent(answer);
tellParent({ kind: "ready" } satisfies ControllersReport);

function answer(request: ControllersRequest): ControllersReport {
  switch (request.kind) {
    case "figures":
      return { kind: "figures", ...figures() };
    case "begin":
      Object.assign(renewals, { count: 0, leastMs: Number.POSITIVE_INFINITY });
      loop.reset();
      return { kind: "begun" };
    case "rest":
      collectAll();
      return { kind: "rested" };
    default:
      return request satisfies never;
  }
}

function figures(): ControllersFigures {
  const services = controllers.flatMap(({ controller }) => [...controller.services.values()]);
  const refused = metrics.fleetRefusedConnections;
  return {
    leads: services.filter(({ leads, isAdopted }) => leads && !isAdopted).map(({ region }) => region),
    leadsFleet: controllers.some(({ controller }) => controller.global?.leads === true),
    collectors: services.reduce((sum, { table }) => sum + table.size, 0),
    held: services.reduce((sum, { waiting }) => sum + waiting, 0),
    looking: services.reduce((sum, { looking }) => sum + looking, 0),
    refusedConnections: refused.with("rate").value + refused.with("limit").value,
    renewals: renewals.count,
    leastMarginMs: renewals.count === 0 ? undefined : renewals.leastMs,
    sessionsLost: renewals.lost,
    longestLoopMs: loop.max / NS_PER_MS,
  };
}

/** With a store of its own, as each node has one. */
async function open(of: ControllerNode): Promise<ServingController> {
  const store = await openStore(settings, { ...world, observer });
  const place: RecipePlace = { store, prefix, ...world };
  const memory = forgetfulMemory();
  await memory.check(await readFleet(place, { signal: new AbortController().signal }));
  const config = configOf(of);
  return openServingController({
    node: config.node,
    facts: { id: of.id, version: VERSION },
    env,
    memory,
    openStore: async () => ({ place, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }),
    load: {
      capacity: { items_per_second: 0, source: "unknown" },
      newest: undefined,
      counters: NO_COUNTERS,
    },
    walk: { status: statusOf(config) },
    dataPlane: IDLE_PLANE,
    addresses: () => ({}),
    leaderTasks: {},
    digestOf,
  });
}

function configOf({ id, region }: ControllerNode): Config {
  const node = {
    id,
    region,
    roles: ["controller"],
    fleet: { listen: { address: "127.0.0.1:0" }, report_interval: reportIntervalMs },
  };
  const nothing = (path: string): never => {
    throw new Error(`nothing is to be read of ${path}`);
  };
  const { config, problems } = loadConfig(JSON.stringify({ node }), { file: "node", env: {}, readFile: nothing });
  if (config === undefined) throw new Error(problems.map(({ message }) => message).join("\n"));
  return config;
}

/** Nothing runs: it is a controller alone. */
function statusOf(running: Config): ConfigStatus {
  return { version: 0, digest: "", running, text: "", appliedMs: 0, restartRequired: [], last: undefined };
}
