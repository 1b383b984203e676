import { textDiff } from "../../core/text-diff.ts";
import type { CallOptions, Entry } from "../store.ts";
import { readVersion } from "./config-read.ts";
import { type ConfigEntry, decodeEntryOf } from "./config-record.ts";
import type { ConfigPlace, ConfigTextDiff } from "./shared-config.ts";

/** Newest first; what cannot be read is left out. */
export async function readEntries({ store, keys }: ConfigPlace, call: CallOptions): Promise<ConfigEntry[]> {
  const { entries } = await store.list(keys.entries, call);
  return entriesIn(entries).toReversed();
}

/** In the order of the lines; what cannot be read is left out. */
export function entriesIn(lines: readonly Entry[]): ConfigEntry[] {
  return lines.flatMap(({ value }) => {
    const read = decodeEntryOf(value);
    return read.ok ? [read.value] : [];
  });
}

export async function compareVersions(
  place: ConfigPlace,
  from: number,
  to: number,
  call: CallOptions,
): Promise<ConfigTextDiff> {
  const texts: string[] = [];
  for (const version of [from, to]) {
    const read = await readVersion(place, version, call);
    if (read.kind === "version") texts.push(read.version.text);
    else if (read.kind === "missing") return { kind: "missing", version, reason: read.reason };
    else return { kind: "bad", version, reason: read.kind === "bad" ? read.reason : "there is none" };
  }
  const [before = "", after = ""] = texts;
  return { kind: "diff", text: textDiff(before, after, { from: `version ${from}`, to: `version ${to}` }) };
}
