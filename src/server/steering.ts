import { hideValuesOf } from "../config/taint.ts";
import type { Config } from "../config/schema/config.ts";
import { type ConfigWalk, createConfigWalk } from "../control/apply.ts";
import {
  type DocumentServiceOptions,
  type DocumentService,
  openDocumentService,
} from "../control/document/document-service.ts";
import type { ConfigHistory } from "../control/history/history.ts";
import { FileTruth } from "../control/truth/file-truth.ts";
import { createRouteTable, type RouteTable } from "../control/route-table.ts";
import { compile } from "../plan/compile.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import type { PlanData } from "../plan/plan-data.ts";
import type { Env } from "../telemetry/env.ts";
import type { RootLog } from "../telemetry/log.ts";
import { checkListenerTls } from "./certificates.ts";
import type { ConfigSource } from "./config-source.ts";

export interface Steering {
  readonly walk: ConfigWalk;
  readonly table: RouteTable;
  /** Where documents are read; closed by whoever opened it. */
  readonly documents: DocumentService;
  /** The config file, where there is one: it is to be watched, and closed by whoever opened it. */
  readonly truth: FileTruth | undefined;
  /** Told of each config that was taken over. */
  readonly applied: { tell: (config: Config) => void };
}

interface SteeringOptions extends Pick<DocumentServiceOptions, "sent"> {
  readonly log: RootLog;
  readonly source: ConfigSource;
}

/** Everything that changes the config while its data plane runs. */
export async function openSteering(
  {
    config,
    plan: { version, digest },
  }: { readonly config: Config; readonly plan: Pick<PlanData, "version" | "digest"> },
  { dataPlane, env, history }: { readonly dataPlane: DataPlane; readonly env: Env; readonly history: ConfigHistory },
  { log, source, sent }: SteeringOptions,
): Promise<Steering> {
  const { file, text, place } = source;
  const documents: DocumentService = openDocumentService({ clock: env.clock, ...(sent !== undefined && { sent }) });
  const truth = file === undefined ? undefined : new FileTruth({ file, clock: env.clock, known: text });
  const applied = { tell: (_config: Config): void => {} };
  if (version > history.lastVersion) {
    const summary = history.versions.length === 0 ? "the first" : "found at the start";
    await history.add({ version, digest, appliedMs: env.clock.wallMs(), by: "start", summary }, text);
  }
  const walk = createConfigWalk(
    { config, text, version, digest },
    {
      prepare: (next, running) => documents.prepareText(next, { running, follow: "all" }, place),
      compile: (next, number, document) => {
        checkListenerTls(next);
        return compile(next, next.node, { version: number, text: document });
      },
      dataPlane,
      onApplied: (next) => {
        setLog(log, next);
        applied.tell(next);
      },
      truth,
      counts: "node",
      history,
      clock: env.clock,
      log,
      metrics: env.metrics,
    },
  );
  return { walk, table: createRouteTable({ walk, history, documents, place }), documents, truth, applied };
}

/** What of the config came from elsewhere is in no line of the log. */
export function setLog(log: RootLog, config: Config): void {
  log.level = config.node.log.level;
  log.format = config.node.log.format;
  log.hide = hideValuesOf(config);
}
