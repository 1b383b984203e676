import { hideValuesOf } from "../config/taint.ts";
import type { Config } from "../config/schema/config.ts";
import { ConfigWalk } from "../control/apply.ts";
import type { DocumentService } from "../control/document/document-service.ts";
import type { DocumentPlace } from "../control/document/prepare.ts";
import type { ConfigHistory } from "../control/history/history.ts";
import { FileTruth } from "../control/truth/file-truth.ts";
import type { FleetFollower } from "../control/truth/fleet-follower.ts";
import { openFleetVersions } from "../control/truth/fleet-versions.ts";
import { RouteTable } from "../control/route-table.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import type { PlanData } from "../plan/plan-data.ts";
import type { Env } from "../telemetry/env.ts";
import type { RootLog } from "../telemetry/log.ts";
import { checkListenerTls } from "./certificates.ts";
import type { ConfigSource } from "./config-source.ts";
import type { NodeFleet } from "./node-fleet.ts";
import { planOfNode } from "./node-plan.ts";
import { regionNotice } from "./region-notice.ts";

export interface Steering {
  readonly walk: ConfigWalk;
  readonly table: RouteTable;
  /** Where documents are read; closed by whoever opened it. */
  readonly documents: DocumentService;
  /** The config file, where there is one: it is to be watched, and closed by whoever opened it. */
  readonly file: FileTruth | undefined;
  /** Of a node of a fleet: who takes over what that runs. */
  readonly follower: FleetFollower | undefined;
  /** Told of each config that was applied. */
  readonly applied: { tell: (config: Config) => void };
}

interface SteeringOptions {
  readonly log: RootLog;
  readonly source: ConfigSource;
}

/** What a node starts with, and where it is from. */
interface StartedWith {
  readonly config: Config;
  readonly plan: Pick<PlanData, "version" | "digest">;
  readonly fleet?: NodeFleet | undefined;
}

/** The document that a node starts with, and where it is from. */
export function documentOf(
  source: ConfigSource,
  fleet: NodeFleet | undefined,
): { readonly text: string; readonly place: DocumentPlace } {
  return { text: fleet?.start.prepared.text ?? source.text, place: fleet?.place ?? source.place };
}

interface SteeringParts {
  readonly dataPlane: DataPlane;
  readonly env: Env;
  readonly history: ConfigHistory;
  readonly documents: DocumentService;
}

/** Everything that changes the config while its data plane runs. */
export async function openSteering(
  { config, plan: { version, digest }, fleet }: StartedWith,
  { dataPlane, env, history, documents }: SteeringParts,
  { log, source }: SteeringOptions,
): Promise<Steering> {
  const { text, place } = documentOf(source, fleet);
  const tellRegion = regionNotice(log, config);
  const file =
    source.file === undefined ? undefined : new FileTruth({ file: source.file, clock: env.clock, known: source.text });
  const applied = { tell: (_config: Config): void => {} };
  await keepFirst({ version, digest, text, fleet }, history, env);
  const walk = new ConfigWalk(
    { config, text, version, digest },
    {
      prepare: (next, running) => documents.prepareText(next, { running, follow: "all" }, place),
      readAhead: (next, running) => documents.readAhead(next, { running, follow: "all" }, place),
      compile: (next, number, body) => compileNext(next, number, body, fleet),
      dataPlane,
      onApplied: (next) => {
        setLog(log, next);
        tellRegion(next);
        applied.tell(next);
      },
      truth: fleet?.truth ?? file,
      counts: fleet === undefined ? "node" : "fleet",
      history,
      clock: env.clock,
      log,
      metrics: env.metrics,
    },
  );
  const follower = fleet?.openFollower(walk);
  if (fleet !== undefined) await follower?.started(fleet.start);
  const shared = fleet === undefined ? undefined : openFleetVersions(fleet.coordination.place);
  const table = new RouteTable({ walk, history, documents, place, shared });
  return { walk, table, documents, file, follower, applied };
}

interface FirstVersion extends Pick<PlanData, "version" | "digest"> {
  readonly text: string;
  readonly fleet: NodeFleet | undefined;
}

/** What the node starts with is in its history, unless that is what it had last. */
async function keepFirst(
  { version, digest, text, fleet }: FirstVersion,
  history: ConfigHistory,
  env: Env,
): Promise<void> {
  const about = { version, digest, appliedMs: env.clock.wallMs() };
  if (fleet === undefined) {
    if (version <= history.lastVersion) return;
    const summary = history.versions.length === 0 ? "the first" : "found at the start";
    return history.add({ ...about, by: "start", summary }, text);
  }
  const [newest] = history.versions;
  if (version === 0 || (newest?.version === version && newest.digest === digest)) return;
  const { author, note } = fleet.start;
  await history.add({ ...about, by: "store", summary: note === "" ? "found at the start" : note, author }, text);
}

function compileNext(next: Config, version: number, text: string, fleet: NodeFleet | undefined): PlanData {
  checkListenerTls(next);
  return planOfNode(next, { version, text }, fleet);
}

/** What of the config came from elsewhere is in no line of the log. */
export function setLog(log: RootLog, config: Config): void {
  log.level = config.node.log.level;
  log.format = config.node.log.format;
  log.hide = hideValuesOf(config);
}
