import { availableParallelism } from "node:os";
import type { NodeConfig } from "../config/schema/config.ts";

/** Of `signalbox run`, where the config does not say: a small node stays small. */
export const DEFAULT_WORKERS = 1;

/** Processes that do the data plane's work; `unsaid` where the config does not say. */
export function workerCount({ workers }: Pick<NodeConfig, "workers">, unsaid: number): number {
  const asked = workers ?? unsaid;
  return asked === "auto" ? availableParallelism() : asked;
}
