import { isAbsolute, join, resolve } from "node:path";
import type { Config } from "../config/schema/config.ts";
import { openDataDir } from "../control/data-dir.ts";
import { type ConfigHistory, openHistory } from "../control/history/history.ts";
import { digestOf } from "../plan/compile.ts";
import type { PlanData } from "../plan/plan-data.ts";
import type { Env } from "../telemetry/env.ts";
import type { ConfigSource } from "./config-source.ts";
import type { NodeFleet } from "./node-fleet.ts";
import { planOfNode } from "./node-plan.ts";

/** What a node begins with, and what it keeps. */
interface NodeBeginning {
  readonly kept: ReturnType<typeof keptIn> | undefined;
  readonly history: ConfigHistory;
  readonly first: Config;
  readonly plan: PlanData;
}

interface BeginningParts {
  readonly config: Config;
  readonly fleet: NodeFleet | undefined;
  readonly dataDir: string | undefined;
}

/** Its own file, or what its fleet runs. */
export async function openBeginning(
  { config, fleet, dataDir }: BeginningParts,
  source: ConfigSource,
  { clock, log }: Env,
): Promise<NodeBeginning> {
  const versions = fleet === undefined ? "config-history" : "fleet-config-history";
  const kept = dataDir === undefined ? undefined : keptIn(dataDir, versions);
  const history = await openHistory({ directory: kept?.history, clock, log });
  const first = fleet?.config ?? config;
  const text = fleet?.start.prepared.text ?? source.text;
  const version = fleet?.start.version ?? firstVersion(history, source);
  return { kept, history, first, plan: planOfNode(first, { version, text }, fleet) };
}

/** `storeDir`: where an embedded store is, which says so itself when it cannot be used. */
export async function placeOf(
  config: Config,
  source: ConfigSource,
  env: Env,
): Promise<{ readonly dataDir: string | undefined; readonly storeDir: string | undefined }> {
  const storeDir = dataDirOf(config, source);
  const isUsable = storeDir !== undefined && (await openDataDir(storeDir, env));
  return { dataDir: isUsable ? storeDir : undefined, storeDir };
}

/**
 * Where this node keeps what must survive a restart; undefined: nowhere, since a config that is no
 * file has no place of its own.
 */
function dataDirOf(config: Config, { file, place }: ConfigSource): string | undefined {
  const { data_dir: directory } = config.node;
  return file === undefined && !isAbsolute(directory) ? undefined : resolve(place.folder, directory);
}

function keptIn(dataDir: string, history: string): { history: string; operatorStates: string } {
  return { history: join(dataDir, history), operatorStates: join(dataDir, "operator-states.json") };
}

/** The version that ran last when this is its document, otherwise the next. */
function firstVersion({ versions, lastVersion }: ConfigHistory, { text }: ConfigSource): number {
  const [newest] = versions;
  const isTheSame = newest?.version === lastVersion && newest.digest === digestOf(text);
  return isTheSame ? lastVersion : lastVersion + 1;
}
