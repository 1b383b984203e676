import type { CallOptions, Revision } from "../store.ts";
import { readPieces } from "./config-pieces.ts";
import {
  type ConfigBody,
  type ConfigPointer,
  type ConfigVersion,
  decodeBody,
  decodePointer,
  sha256Of,
} from "./config-record.ts";
import type { Shaped } from "./json-value.ts";
import type { ConfigPlace } from "./shared-config.ts";

/** A version as it was read, or why there is none. */
export type ReadConfig =
  | {
      readonly kind: "version";
      readonly version: ConfigVersion;
      /** What points at it, when that was asked for. */
      readonly pointer: ConfigPointer | undefined;
      readonly created: Revision;
    }
  | { readonly kind: "none" }
  /** It was published, and is not kept any more; or never was. */
  | { readonly kind: "missing"; readonly version: number; readonly reason: string }
  /** What is there is not what was published. */
  | { readonly kind: "bad"; readonly version: number | undefined; readonly reason: string };

/** What the pointer points at; where that is moved on meanwhile, what it points at then. */
export async function readCurrent(place: ConfigPlace, call: CallOptions): Promise<ReadConfig> {
  for (let entry = await place.store.get(place.keys.current, call); ; ) {
    if (entry === undefined) return { kind: "none" };
    const pointer = decodePointer(entry.value);
    if (!pointer.ok) return { kind: "bad", version: undefined, reason: `${place.keys.current}: ${pointer.reason}` };
    const read = await readVersion(place, pointer.value.version, call);
    if (read.kind === "version" && read.version.sha256 === pointer.value.sha256) {
      return { ...read, pointer: pointer.value };
    }
    // A version is deleted only after the pointer has left it.
    const now = await place.store.get(place.keys.current, call);
    if (now !== undefined && now.modified === entry.modified) return badPointer(read, pointer.value);
    entry = now;
  }
}

function badPointer(read: ReadConfig, { version }: ConfigPointer): ReadConfig {
  if (read.kind === "bad") return read;
  const reason = read.kind === "missing" ? read.reason : "its digest is not the one that the pointer has";
  return { kind: "bad", version, reason: `version ${version}: ${reason}` };
}

/** A version with its text, if its digest is right. */
export async function readVersion(place: ConfigPlace, version: number, call: CallOptions): Promise<ReadConfig> {
  const entry = await place.store.get(place.keys.version(version), call);
  if (entry === undefined) return { kind: "missing", version, reason: "it is not kept" };
  const body = decodeBody(entry.value);
  if (!body.ok) return { kind: "bad", version, reason: `${entry.key}: ${body.reason}` };
  if (body.value.version !== version) return { kind: "bad", version, reason: `${entry.key} holds another version` };
  const text = await textOf(place, body.value, call);
  if (!text.ok) return { kind: "bad", version, reason: `version ${version}: ${text.reason}` };
  const { text: _text, pieces: _pieces, ...about } = body.value;
  return { kind: "version", version: { ...about, text: text.value }, pointer: undefined, created: entry.created };
}

async function textOf(
  place: ConfigPlace,
  { text, pieces, sha256 }: ConfigBody,
  call: CallOptions,
): Promise<Shaped<string>> {
  const known = pieces && place.atHand(sha256);
  if (known !== undefined) return { ok: true, value: known };
  const read = text ?? (pieces && (await readPieces(place, pieces, call)));
  if (read === undefined) return { ok: false, reason: "a piece of it is missing" };
  if (sha256Of(read) !== sha256) return { ok: false, reason: "its text is not the one that was published" };
  return { ok: true, value: read };
}
