import { dirname, resolve } from "node:path";
import type { LoadResult } from "../config/load.ts";
import type { ReferencePolicy } from "../config/substitute.ts";
import { valueAt } from "../config/values.ts";
import { type DocumentPlace, loadDocument, rootOf } from "../control/document/prepare.ts";
import type { PublishTerms } from "../control/truth/config-truth.ts";
import { publishDocument, type PublishResult } from "../control/truth/publish.ts";
import { publishable } from "../control/truth/published-document.ts";
import type { Problem } from "../core/problem.ts";
import type { FleetMemory } from "../store/recipes/fleet-memory.ts";
import { fileSource, textSource } from "./config-source.ts";
import type { Coordination } from "./coordination.ts";
import { type NamedStore, storeOfConfig } from "./named-store.ts";

/** A config file whose fleet has its config in a store, and that store. */
export interface StoredFleet {
  readonly text: string;
  readonly store: NamedStore;
  readonly place: DocumentPlace;
}

/**
 * Undefined: its node has no such store. Of `node` only the store is read, since whoever publishes
 * need not be the node. Fails with CONFIG_UNREADABLE; `refuse` is told of a store that is named
 * wrongly, and does not return.
 */
export function storedFleet(
  file: string,
  env: DocumentPlace["env"],
  refuse: (problems: LoadResult["problems"]) => never,
): StoredFleet | undefined {
  const source = fileSource(file, env);
  const root = rootOf(source.text);
  if (root === undefined) return refuse(source.load(source.text).problems);
  const node = valueAt(root, "node");
  const coordination = valueAt(node, "coordination");
  const type = valueAt(coordination, "type");
  if (type !== "etcd" && type !== "consul") return undefined;
  const dataDir = valueAt(node, "data_dir");
  const own = { coordination, ...(dataDir === undefined ? {} : { data_dir: dataDir }) };
  const nodeText = JSON.stringify({ node: own });
  const { name, folder } = source.place;
  const loaded = textSource(nodeText, { name, folder, file }, env).load(nodeText);
  if (loaded.config === undefined) return refuse(loaded.problems);
  const place = { name, folder: dirname(resolve(file)), env, nodeText };
  return { text: source.text, store: storeOfConfig(loaded.config, resolve(file)), place };
}

interface PublishCommand {
  /** As {@link checkedText} gave it. */
  readonly text: string;
  readonly coordination: Coordination;
  readonly memory: FleetMemory | undefined;
  readonly expected: number | undefined;
  readonly publish: PublishTerms;
  readonly signal: AbortSignal;
}

/**
 * What of a file is published, or why nothing is. What the document refers to is not read: each
 * node does that by itself, with its own rights, and says so in its report.
 */
export function checkedText({
  text,
  place,
}: Pick<StoredFleet, "place" | "text">): string | Extract<PublishResult, { readonly kind: "invalid" }> {
  const made = publishable(text);
  if (made.kind === "invalid") return made;
  const unread: ReferencePolicy = { follow: () => "unread", mayBeName: () => true };
  const found = loadDocument(made.text, place, unread).problems;
  const problems = found.filter(({ severity }) => severity === "error");
  return problems.length > 0 ? { kind: "invalid", problems } : made.text;
}

/** Straight to the store. */
export async function publishFile(command: PublishCommand): Promise<PublishResult> {
  const { text, coordination, memory, expected, publish, signal } = command;
  return publishDocument({ ...coordination.place, memory }, { text, expected, publish, signal });
}

export type PublishRefusal = Exclude<PublishResult, { readonly kind: "published" | "same" | "staged" }>;

/** What speaks against a publishing, and how to mend it. */
interface PublishRefusalText {
  readonly detail: string;
  readonly hint?: string;
  readonly problems?: readonly Problem[];
}

export function refusalOf(result: PublishRefusal): PublishRefusalText {
  switch (result.kind) {
    case "invalid":
      return { detail: "the config has problems", problems: result.problems };
    case "conflict":
      return { detail: `version ${result.running ?? "none"} runs: look at it, and repeat` };
    case "not_leader":
      return { detail: "somebody else leads now: try again" };
    case "foreign":
      return { detail: result.reason, hint: result.hint };
    case "under_way":
      return { detail: `version ${result.version} is being tried`, hint: "config rollout shows it, and abort ends it" };
    case "no_base":
      return { detail: "the fleet has no config yet", hint: "publish the first one without --staged" };
    case "rolled_back":
      return {
        detail: `the same document was tried and taken back as version ${result.version}: ${result.reason}`,
        hint: "mend it, or --again if it is to be tried all the same",
      };
    case "unreadable_by": {
      const who = result.members.map(({ id, version, reads }) => `${id} (${version}, up to ${reads})`).join(", ");
      return { detail: `schema ${result.schema} cannot be read by ${who}`, hint: "upgrade them first, or --force" };
    }
    default:
      return result satisfies never;
  }
}
