import { compareDocuments, type DocumentDiff } from "../control/document/compare.ts";
import { shownVersion } from "../control/history/entry.ts";
import { neverRan, readInfos } from "../control/truth/fleet-versions.ts";
import { createSharedConfig, type SharedConfig } from "../store/recipes/shared-config.ts";
import type { CallOptions } from "../store/store.ts";
import type { Coordination } from "./coordination.ts";

/** A version that was asked for, and is not kept or not what was published. */
export interface NotKept {
  readonly kind: "not_kept";
  readonly detail: string;
}

/** It is kept, and nobody goes back to it. */
interface NeverRan {
  readonly kind: "never_ran";
  readonly reason: string;
  readonly hint: string;
}

type StoredText = NotKept | { readonly kind: "text"; readonly version: number; readonly text: string };
type StoredDiff =
  | NotKept
  | { readonly kind: "diff"; readonly from: number; readonly to: number; readonly diff: DocumentDiff };

/** The config of a fleet as its store has it, without any node. Throws as the store does. */
export interface StoredVersions {
  /** Newest first, as the admin API has them. */
  list(options: CallOptions): Promise<readonly ReturnType<typeof shownVersion>[]>;
  /** Undefined: the one that runs. As it was published. */
  text(version: number | undefined, options: CallOptions): Promise<StoredText>;
  /** As `text`, of a version that has run on all nodes: others were only tried. */
  ran(version: number, options: CallOptions): Promise<StoredText | NeverRan>;
  /** Default: the version before `to`, and the one that runs. */
  diff(from: number | undefined, to: number | undefined, options: CallOptions): Promise<StoredDiff>;
}

export function openStoredVersions({ place }: Pick<Coordination, "place">): StoredVersions {
  const shared = createSharedConfig(place);
  const infos = (options: CallOptions): ReturnType<typeof readInfos> => readInfos(shared, options);
  const ran = async (options: CallOptions): ReturnType<typeof readInfos> =>
    (await infos(options)).filter(({ state }) => state === undefined);
  const text: StoredVersions["text"] = (version, options) => textOf(shared, version, options);
  return {
    list: async (options) => (await infos(options)).map(shownVersion),
    text,
    async ran(version, options) {
      const kept = await text(version, options);
      if (kept.kind === "not_kept") return kept;
      const isKnown = (await ran(options)).some((info) => info.version === version);
      return isKnown ? kept : { kind: "never_ran", ...neverRan(version) };
    },
    async diff(from, to, options) {
      const after = await text(to, options);
      if (after.kind === "not_kept") return after;
      const earlier = (await ran(options)).map(({ version }) => version).filter((one) => one < after.version);
      const first = from ?? earlier.toSorted((a, b) => b - a)[0];
      if (first === undefined) return notKept(`no version before ${after.version} is kept`);
      const before = await text(first, options);
      if (before.kind === "not_kept") return before;
      return {
        kind: "diff",
        from: before.version,
        to: after.version,
        diff: compareDocuments(named(before), named(after)),
      };
    },
  };
}

async function textOf(shared: SharedConfig, version: number | undefined, options: CallOptions): Promise<StoredText> {
  const read = await (version === undefined ? shared.current(options) : shared.version(version, options));
  if (read.kind === "version") return { kind: "text", version: read.version.version, text: read.version.text };
  if (read.kind === "bad") return notKept(`version ${read.version}: ${read.reason}`);
  return notKept(version === undefined ? "the fleet has no config yet" : `version ${version} is not kept`);
}

function notKept(detail: string): NotKept {
  return { kind: "not_kept", detail };
}

function named({ version, text }: Extract<StoredText, { kind: "text" }>): {
  readonly name: string;
  readonly text: string;
} {
  return { name: `version ${version}`, text };
}
