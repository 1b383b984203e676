import { RouterError } from "../core/errors.ts";
import type { OpenDataPlane } from "./running-node.ts";
import type { EarlyWorkers } from "./workers/early-workers.ts";

/**
 * Who opens the data plane that a config asks for: in this process, or in so many others. Loaded
 * when it is needed: most commands start no node, and should not wait for it. `early`: processes
 * of them that have begun.
 */
export async function dataPlaneOpener(count: number, early?: Pick<EarlyWorkers, "take">): Promise<OpenDataPlane> {
  if (count === 0) return (await import("../data/assemble.ts")).openDataPlane;
  const { openWorkers } = await import("./workers/open-workers.ts");
  return (plan, listen, env, { secrets, strategies, limitHolding }) => {
    if (strategies === undefined)
      return openWorkers(plan, listen, env, { count, secrets, early, isInFleet: limitHolding !== undefined });
    const hint = "set node.workers to 0, or bring the strategies along as a module of node.plugins";
    throw new RouterError("CONFIG_INVALID", "strategies of this program cannot be given to workers", { hint });
  };
}
