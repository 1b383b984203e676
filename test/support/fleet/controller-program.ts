/**
 * A controller in a process of its own: stands for its region and for the fleet over a real store,
 * and is called over the channel of its parent. Ends with that.
 */
import { openController } from "../../../src/control/global/open-controller.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { UNOBSERVED } from "../../../src/store/store-metrics.ts";
import type { ControllerAnswer, ControllerAsk, ControllerTask } from "./controller-process.ts";
import { recordedLog } from "./quiet-log.ts";

const task = JSON.parse(process.argv[2] ?? "") as ControllerTask;
const world = { clock: systemClock, random: systemRandom };
const store = await openStore(task.settings, { ...world, observer: UNOBSERVED });
const log = recordedLog(systemClock);
const never = new AbortController().signal;

const controller = openController({
  place: { store, prefix: task.prefix, ...world },
  controller: { id: task.id, address: `127.0.0.1:${task.id.length}`, tls: false },
  region: task.region,
  generation: () => 1,
  leaseMs: task.leaseMs,
  reportIntervalMs: task.reportIntervalMs,
  summaryIntervalMs: 30_000,
  adoption: { afterMs: task.adoptAfterMs, mostRegions: 100 },
  fetchBody: async () => undefined,
  tasks: {
    // Something that is decided anew all the time, so that there are many directives.
    async counter({ directives, signal }) {
      for (let count = 0; !signal.aborted; count++) {
        await directives.set("counter", { body: `${task.id} ${count}`, validForMs: 3_000 }, signal);
        await new Promise((resolve) => systemClock.after(200, () => resolve(undefined)));
      }
    },
  },
  log,
});

async function answer({ method, request }: ControllerAsk): Promise<unknown> {
  const called = { signal: never, peer: "test" };
  switch (method) {
    case "report":
      return controller.calls.report(request, called);
    case "await":
      return controller.calls.await(request, called);
    case "members":
      return controller.calls.members(request, called);
    case "leads":
      return {
        global: controller.global?.leads === true,
        regions: [...controller.services.values()].filter(({ leads }) => leads).map(({ region }) => region),
      };
    case "transfer":
      return (await controller.transfer(request.election, { to: request.to, signal: never })) ?? { kind: "not_led" };
    case "log":
      return log.lines;
    default:
      return method satisfies never;
  }
}

process.on("message", (ask: ControllerAsk & { readonly number: number }) => {
  void answer(ask).then(
    (reply) => process.send?.({ number: ask.number, reply } satisfies ControllerAnswer),
    (cause: unknown) => process.send?.({ number: ask.number, failed: String(cause) } satisfies ControllerAnswer),
  );
});
process.on("disconnect", () => process.exit(0));
