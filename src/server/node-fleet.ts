import { dirname, join, resolve } from "node:path";
import type { Config } from "../config/schema/config.ts";
import type { ConfigWalk } from "../control/apply.ts";
import type { ApplyOutcome } from "../control/apply-outcome.ts";
import type { DocumentService } from "../control/document/document-service.ts";
import { type DocumentPlace, prepareFirst, rootOf } from "../control/document/prepare.ts";
import { withoutNode } from "../control/document/publish-faults.ts";
import { rewriteKnown } from "../control/document/rewrite.ts";
import { FleetFollower } from "../control/truth/fleet-follower.ts";
import { type FleetStart, startOfFleet } from "../control/truth/fleet-start.ts";
import { lastGoodFile, type LastGoodFile } from "../control/truth/last-good.ts";
import { mirrorTask } from "../control/truth/mirror.ts";
import type { ConfigValidator } from "../control/truth/published-document.ts";
import { StoreTruth } from "../control/truth/store-truth.ts";
import { formatProblem } from "../core/problem.ts";
import { type FleetMemory, forgetfulMemory, openFleetMemory } from "../store/recipes/fleet-memory.ts";
import { storeObserver } from "../store/store-metrics.ts";
import type { Env } from "../telemetry/env.ts";
import type { ConfigSource } from "./config-source.ts";
import { type Coordination, openCoordination } from "./coordination.ts";
import { FLEET_FILE } from "./named-store.ts";
import { checkedText } from "./publish-command.ts";

/** A node whose config is its fleet's: where that is, and what it begins with. */
export interface NodeFleet extends AsyncDisposable {
  readonly coordination: Coordination;
  readonly memory: FleetMemory;
  readonly truth: StoreTruth;
  readonly start: FleetStart;
  /** What the node runs at first. */
  readonly config: Config;
  /** Where documents of the fleet are read: `node` is the node's own, as its file is now. */
  readonly place: DocumentPlace;
  /** The node's file says something else now: what runs is read with that, or goes on as it is. */
  readOwn(
    text: string,
    parts: { readonly walk: ConfigWalk; readonly documents: DocumentService },
  ): Promise<ApplyOutcome>;
  /**
   * What senders are told while such a version runs; undefined: it is a config. Only a node that
   * began with nothing runs none.
   */
  noConfigIn(version: number): string | undefined;
  /** What it does about the config while it leads the whole fleet. */
  readonly leaderTask: ReturnType<typeof mirrorTask>;
  /** Made once the node can take configs over. */
  openFollower(walk: ConfigWalk): FleetFollower;
}

interface NodeFleetOptions {
  readonly source: ConfigSource;
  readonly dataDir: string | undefined;
  readonly env: Env;
  readonly validators: readonly ConfigValidator[];
}

/** In a node's data directory: the config of its fleet that ran here last. */
const LAST_GOOD_FILE = "fleet-config.json";
const FIRST = "the first one comes with signalbox config apply --init";
/** What problems of the fleet's document call it. */
const FLEET_DOCUMENT = "config of the fleet";

/**
 * Undefined: the node is its own, with its config in its file. Asks the store, for a few seconds at
 * most. Fails with CONFIG_UNREADABLE when what the node remembers of its fleet cannot be believed.
 */
export async function openNodeFleet(config: Config, options: NodeFleetOptions): Promise<NodeFleet | undefined> {
  const { coordination: settings, fleet: own } = config.node;
  if (settings.type === "embedded") return undefined;
  const { source, dataDir, env, validators } = options;
  await using parts = new AsyncDisposableStack();
  const observer = storeObserver(env.metrics, env.log);
  const rests = !config.node.roles.includes("controller");
  const coordination = parts.use(await openCoordination(settings, dataDir, { ...env, observer, rests }));
  const memory = dataDir === undefined ? forgetfulMemory() : await openFleetMemory(join(dataDir, FLEET_FILE));
  const lastGood = lastGoodFile(dataDir === undefined ? undefined : join(dataDir, LAST_GOOD_FILE));
  const truth = new StoreTruth({ ...coordination.place, memory, validators });
  const place = ownPlace(source);
  const start = await startOfFleet({
    inspect: (signal) => truth.inspect(signal),
    memory,
    lastGood,
    prepare: async (text) => prepareFirst(text, place),
    bootstrap: own.bootstrap ? fleetPartOf(source.text) : undefined,
    clock: env.clock,
    log: env.log,
  });
  const first = start.prepared.config;
  if (first === undefined) throw new Error("an empty config of the fleet cannot be run");
  const ended = parts.move();
  const more = { coordination, memory, validators, truth, lastGood, start, config: first, place };
  return openFleet(more, env, ended);
}

function faultsIn(text: string, place: DocumentPlace): readonly string[] {
  const checked = checkedText({ text, place });
  return typeof checked === "string" ? [] : checked.problems.map(formatProblem);
}

/** Without a token links are proven by the fleet's id, which the plan that runs does not have. */
function provesById(walk: ConfigWalk): void {
  if (walk.status.running.node.fleet.token === undefined) void walk.again(); // never rejects
}

/** The document without `node`, for a node that has nothing else. */
function fleetPartOf(text: string): string {
  const root = rootOf(text);
  const fleet = withoutNode(root);
  return rewriteKnown(text, root, fleet) ?? JSON.stringify(fleet, undefined, 2);
}

interface OwnPlace extends DocumentPlace {
  nodeText: string;
}

function ownPlace({ text, place, file }: ConfigSource): OwnPlace {
  const folder = file === undefined ? place.folder : dirname(resolve(file));
  return { name: FLEET_DOCUMENT, folder, env: place.env, nodeName: place.name, nodeText: text };
}

interface OpenParts extends Pick<NodeFleet, "coordination" | "memory" | "truth" | "start" | "config"> {
  readonly validators: readonly ConfigValidator[];
  readonly lastGood: LastGoodFile;
  readonly place: OwnPlace;
}

function openFleet({ place, lastGood, validators, ...parts }: OpenParts, env: Env, ended: AsyncDisposable): NodeFleet {
  const { coordination, memory, start } = parts;
  const { prefix } = coordination.place;
  return {
    ...parts,
    place,
    noConfigIn(version) {
      if (start.from !== "nothing" || version !== start.version) return undefined;
      return `this node has no config yet: nothing is known under ${prefix}, see its /readyz; ${FIRST}`;
    },
    get leaderTask() {
      const mirrored = { ...coordination.place, memory, validators };
      return mirrorTask(mirrored, { log: env.log, check: async (text) => faultsIn(text, place) });
    },
    readOwn: (text, { walk, documents }) =>
      walk.again({
        prepare: (running) =>
          documents.prepareText(running, { running, follow: "allowed" }, { ...place, nodeText: text }),
        applied: () => {
          place.nodeText = text;
        },
      }),
    openFollower(walk) {
      const { log, metrics } = env;
      return new FleetFollower(start, { prefix, walk, memory, lastGood, learnt: () => provesById(walk), log, metrics });
    },
    [Symbol.asyncDispose]: () => ended[Symbol.asyncDispose](),
  };
}
