import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config/schema/config.ts";
import { type CoordinationDocument, CoordinationSchema } from "../config/schema/coordination.ts";
import { checkCoordination } from "../config/validate/coordination.ts";
import type { Path } from "../config/finding.ts";
import { openDirectory } from "../core/atomic-write.ts";
import { RouterError } from "../core/errors.ts";
import { type FleetMemory, openFleetMemory } from "../store/recipes/fleet-memory.ts";
import type { StoreSettings } from "../store/store.ts";
import { type Coordination, type CoordinationEnv, openCoordination } from "./coordination.ts";
import { storeSettings } from "./store-settings.ts";

/** In a node's data directory: what it remembers of its fleet. */
export const FLEET_FILE = "fleet.json";

/** A store that a config or a command line names, and the data directory of its node. */
export interface NamedStore {
  readonly coordination: CoordinationDocument;
  /** Undefined: no node is meant. */
  readonly dataDir: string | undefined;
}

/** The store of a node with this config, which was read from this file. */
export function storeOfConfig({ node }: Config, file: string): NamedStore {
  return { coordination: node.coordination, dataDir: resolve(dirname(file), node.data_dir) };
}

/** What is wrong with settings that were given one by one. */
export interface SettingsProblem {
  /** Below `node.coordination`. */
  readonly path: Path;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What is wrong with settings that are given one by one, or the store that they name. */
export function storeOfSettings(
  settings: Readonly<Record<string, unknown>>,
  dataDir: string | undefined,
): NamedStore | { readonly problem: SettingsProblem } {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const parsed = CoordinationSchema.safeParse(given);
  const issue = parsed.error?.issues[0];
  const [finding] = checkCoordination({ node: { coordination: given } });
  if (parsed.success && finding === undefined) return { coordination: parsed.data, dataDir };
  if (issue !== undefined) {
    const [message = "", hint] = issue.message.split("\n");
    return { problem: { path: issue.path.filter((part) => typeof part !== "symbol"), message, hint } };
  }
  if (finding === undefined) throw new Error("settings that are neither valid nor at fault");
  return { problem: { path: finding.path.slice(2), message: finding.message, hint: finding.hint } };
}

/** Opens it. An embedded store that is not there is made only for who means to write. */
export async function openNamedStore(
  named: NamedStore,
  purpose: "read" | "write",
  env: CoordinationEnv,
): Promise<Coordination> {
  const settings = storeSettings(named.coordination, named.dataDir);
  if (settings.kind === "embedded") await checkFile(settings, purpose);
  return openCoordination(named.coordination, named.dataDir, env);
}

async function checkFile(
  { file }: Extract<StoreSettings, { kind: "embedded" }>,
  purpose: "read" | "write",
): Promise<void> {
  if (existsSync(file)) return;
  if (purpose === "write") return openDirectory(dirname(file));
  throw new RouterError("CONFIG_UNREADABLE", `there is no store yet: ${file}`, {
    hint: "the node's data_dir has none before something is kept in it; signalbox fleet init makes one",
  });
}

/** What the node remembers of its fleet; undefined: no node is meant. */
export async function memoryOf({ dataDir }: NamedStore): Promise<FleetMemory | undefined> {
  return dataDir === undefined ? undefined : openFleetMemory(join(dataDir, FLEET_FILE));
}
