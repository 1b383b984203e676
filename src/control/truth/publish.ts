import type { Problem } from "../../core/problem.ts";
import { textWithSha256 } from "../../core/sha256.ts";
import { rolledBackOf } from "../../store/recipes/config-candidate.ts";
import type { PublishOutcome } from "../../store/recipes/config-pointer.ts";
import { configKeys, type ConfigPointer, sha256Of } from "../../store/recipes/config-record.ts";
import type { StageOutcome } from "../../store/recipes/config-stage.ts";
import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { type FleetVerdict, initFleet, compareFleet, readFleet } from "../../store/recipes/identity.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { Entry } from "../../store/store.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import { createSharedConfig, type LeaderGuard, type SharedConfig } from "../../store/recipes/shared-config.ts";
import type { UnableMember } from "../apply-outcome.ts";
import { MEMBER_SCHEMA_MAX } from "../fleet/member-metadata.ts";
import { decodeSummary, OTHER, regionsPrefix } from "../region/region-summary.ts";
import type { PublishTerms } from "./config-truth.ts";
import { type ConfigValidator, publishable, validatorFaults } from "./published-document.ts";

/** Where a fleet's config lives, and what is known of the fleet here. */
export interface TruthPlace extends RecipePlace {
  /** What a node remembers of its fleet; undefined: no node is meant. */
  readonly memory: Pick<FleetMemory, "identity"> | undefined;
  /** Beside what Signalbox looks at itself. */
  readonly validators?: readonly ConfigValidator[] | undefined;
}

interface PublishRequest {
  readonly text: string;
  /**
   * The version that runs as far as whoever publishes knows. A store that has none is no conflict;
   * undefined: whatever runs.
   */
  readonly expected: number | undefined;
  readonly publish: PublishTerms;
  /** Of a leader that publishes. */
  readonly guard?: LeaderGuard | undefined;
  readonly signal: AbortSignal;
}

export type PublishResult =
  | { readonly kind: "published" | "same"; readonly pointer: ConfigPointer; readonly text: string }
  | { readonly kind: "conflict"; readonly running: number | undefined }
  | { readonly kind: "not_leader" }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] }
  /** The store's fleet is not the one that is meant, or there is none. */
  | { readonly kind: "foreign"; readonly reason: string; readonly hint: string }
  | { readonly kind: "unreadable_by"; readonly schema: number; readonly members: readonly UnableMember[] }
  /** The same document was tried in vain, and nobody says that it is to be published again. */
  | { readonly kind: "rolled_back"; readonly version: number; readonly reason: string }
  | StageResult;

/** Where it was to be tried first. */
type StageResult =
  | { readonly kind: "staged"; readonly version: number; readonly sha256: string }
  /** Another one is tried at the moment. */
  | { readonly kind: "under_way"; readonly version: number }
  /** The fleet has no config yet that others could go on with. */
  | { readonly kind: "no_base" };

/**
 * Gives a fleet a document as its next version: looked at first, guarded by the version that is
 * expected. Fails with a RouterError where the store does.
 */
export async function publishDocument(place: TruthPlace, request: PublishRequest): Promise<PublishResult> {
  const { publish, signal, expected, guard } = request;
  const made = publishable(request.text);
  if (made.kind === "invalid") return made;
  const faults = await validatorFaults(made.text, place.validators ?? []);
  if (faults.length > 0) return { kind: "invalid", problems: faults };
  const verdict = await verdictOf(place, publish, signal);
  if (verdict.kind === "unformed" || verdict.kind === "isolated") return foreign(verdict, place.prefix);
  const unable = publish.force === true ? [] : await unableMembers(place, made.schema, signal);
  if (unable.length > 0) return { kind: "unreadable_by", schema: made.schema, members: unable };
  const shared = createSharedConfig(place, { atHand: textWithSha256 });
  const options = {
    signal,
    ...(await expectedOf(place, expected, signal)),
    by: publish.author ?? "",
    note: publish.note ?? "",
  };
  if (publish.staged === true) {
    const staged = await shared.stage(made.text, { ...options, again: publish.again ?? false });
    return stageResultOf(staged, made.text);
  }
  const before = publish.again === true ? undefined : await triedInVain(shared, made.text, signal);
  if (before !== undefined) return { kind: "rolled_back", ...before };
  const outcome = await shared.publish(made.text, { ...options, ...(guard !== undefined && { guard }) });
  return resultOf(outcome, made.text);
}

async function triedInVain(
  shared: SharedConfig,
  text: string,
  signal: AbortSignal,
): Promise<{ readonly version: number; readonly reason: string } | undefined> {
  const sha256 = sha256Of(text);
  const found = rolledBackOf(await shared.candidate({ signal }), sha256);
  if (found === undefined) return undefined;
  // What runs is the same, whatever became of it before.
  const current = await shared.current({ signal });
  if (current.kind === "version" && current.version.sha256 === sha256) return undefined;
  return { version: found.version, reason: found.reason };
}

function stageResultOf(outcome: StageOutcome, text: string): PublishResult {
  switch (outcome.kind) {
    case "staged": {
      const { version, sha256 } = outcome.candidate;
      return { kind: "staged", version, sha256 };
    }
    case "under_way":
      return { kind: "under_way", version: outcome.candidate.version };
    case "rolled_back":
    case "no_base":
      return outcome;
    default:
      return resultOf(outcome, text);
  }
}

/**
 * Who cannot read documents of this schema: controllers, which the store lists, and collectors, of
 * which it has what the summary of their region says.
 */
export async function unableMembers(
  place: RecipePlace,
  schema: number,
  signal: AbortSignal,
): Promise<readonly UnableMember[]> {
  if (schema === 1) return [];
  const [{ members }, { entries }] = await Promise.all([
    createRegistry(place).list({ signal }),
    place.store.list(regionsPrefix(place.prefix), { signal }),
  ]);
  const controllers = members.map(({ id, version, metadata }) => {
    return { id, version, reads: Number(metadata[MEMBER_SCHEMA_MAX] ?? 1) };
  });
  return [...controllers, ...entries.flatMap(collectorsIn)].filter(({ reads }) => !(reads >= schema));
}

/** Those of a region that read least, as one. */
function collectorsIn(entry: Entry): UnableMember[] {
  const read = decodeSummary(entry);
  if (!read.ok || read.value.numbers.collectors === 0) return [];
  const { region, numbers } = read.value;
  const versions = Object.keys(numbers.versions).filter((version) => version !== OTHER);
  const id = `collectors of region ${region} (signalbox topology --region ${region})`;
  return [{ id, version: versions.join(", "), reads: Math.max(1, numbers.schema_max) }];
}

async function verdictOf(place: TruthPlace, publish: PublishTerms, signal: AbortSignal): Promise<FleetVerdict> {
  const known = place.memory?.identity;
  const verdict = compareFleet(known, await readFleet(place, { signal }));
  if (verdict.kind !== "unformed" || publish.init !== true) return verdict;
  await initFleet(place, { signal, by: publish.author ?? "" });
  return compareFleet(known, await readFleet(place, { signal })); // whoever has made it
}

function foreign({ kind, message, hint }: Extract<FleetVerdict, { message: string }>, prefix: string): PublishResult {
  if (kind === "isolated") return { kind: "foreign", reason: message, hint };
  const adopt = "the nodes of one whose store was wiped bring it back: signalbox fleet adopt -c <a node's file>";
  const init = `signalbox config apply --init makes it with its first config; ${adopt}; or look at coordination.prefix`;
  return { kind: "foreign", reason: `there is no fleet under ${prefix} yet`, hint: init };
}

async function expectedOf(
  { store, prefix }: RecipePlace,
  expected: number | undefined,
  signal: AbortSignal,
): Promise<{ expected?: number }> {
  if (expected === undefined) return {};
  const pointer = await store.get(configKeys(prefix).current, { signal });
  return { expected: pointer === undefined ? 0 : expected };
}

function resultOf(outcome: PublishOutcome, text: string): PublishResult {
  switch (outcome.kind) {
    case "published":
      return { kind: "published", pointer: outcome.pointer, text };
    case "unchanged":
      return { kind: "same", pointer: outcome.pointer, text };
    case "conflict":
      return { kind: "conflict", running: outcome.running?.version };
    case "not_leader":
      return outcome;
    case "invalid":
      return {
        kind: "invalid",
        problems: outcome.problems.map((message) => ({ severity: "error", path: "", message })),
      };
    case "missing":
      return { kind: "invalid", problems: [{ severity: "error", path: "", message: outcome.reason }] };
    default:
      return outcome satisfies never;
  }
}
