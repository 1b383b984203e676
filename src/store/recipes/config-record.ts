import { z } from "zod";
import { isoTime, parseIsoTime } from "../../core/iso-time.ts";
import { type Shaped, readJson, writeJson } from "./json-value.ts";

/** Documents are known by it. */
export { sha256Of } from "../../core/sha256.ts";

/** Which version runs, as it stands at `<prefix>/config/current`: what all follow. */
export interface ConfigPointer {
  readonly version: number;
  /** Of the UTF-8 bytes of the document. */
  readonly sha256: string;
  /** Counts changes of the pointer, rollbacks too: the newest entry of the history. */
  readonly entry: number;
  /** The highest version that ever ran; the next one is above it, and above what is tried. */
  readonly latest: number;
}

/** One change of what runs: the history of a fleet's config. */
export interface ConfigEntry {
  readonly entry: number;
  readonly kind: "publish" | "rollback";
  readonly version: number;
  readonly sha256: string;
  readonly bytes: number;
  /** Milliseconds since 1970, by the clock of whoever did it. */
  readonly atMs: number;
  readonly by: string;
  readonly note: string;
}

/** A version as it was published: never changed again. */
export interface ConfigVersion extends Omit<ConfigEntry, "entry" | "kind"> {
  readonly text: string;
}

/** A version's own value: small documents are in it, larger ones in pieces beside it. */
export interface ConfigBody extends Omit<ConfigVersion, "text"> {
  readonly text: string | undefined;
  readonly pieces: { readonly id: string; readonly count: number } | undefined;
}

/** A document, at most, as UTF-8. */
export const MAX_CONFIG_BYTES = 8_388_608;
/**
 * Of a value: with what is written beside it, a transaction stays below the 512 KiB of Base64 that
 * Consul takes.
 */
export const PIECE_BYTES = 262_144;
/**
 * So many of the newest that ran can be read and gone back to, besides what runs; and so many of
 * the newest numbers, with those that were only tried.
 */
export const KEPT_VERSIONS = 20;
export const KEPT_ENTRIES = 100;
/** Names and notes of people, in characters; what is longer is cut. */
export const MAX_NOTE = 500;

const version = z.int().min(1).max(9_999_999_999);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/u, "is no SHA-256 in hex");
const at = z.string().transform((text) => parseIsoTime(text) ?? 0);
const SCHEMA = z.literal(1);

const PointerSchema = z.object({ schema: SCHEMA, version, sha256, entry: version, latest: version });
const about = { version, sha256, bytes: z.int().min(0), at, by: z.string(), note: z.string() };
const EntrySchema = z.object({
  schema: SCHEMA,
  entry: version,
  kind: z.enum(["publish", "rollback"]),
  ...about,
});
const BodySchema = z.object({
  schema: SCHEMA,
  ...about,
  text: z.string().optional(),
  pieces: z
    .object({
      id: z.string(),
      count: z
        .int()
        .min(1)
        .max(MAX_CONFIG_BYTES / PIECE_BYTES),
    })
    .optional(),
});

/** `nonce`: two that write the same at the same time are told apart. */
export function encodePointer(pointer: ConfigPointer, nonce: string): Uint8Array {
  return writeJson({ schema: 1, ...pointer, nonce });
}

export function decodePointer(bytes: Uint8Array): Shaped<ConfigPointer> {
  return readJson(
    bytes,
    PointerSchema.transform(({ schema: _schema, ...pointer }) => pointer),
  );
}

export function encodeEntryOf({ atMs, ...entry }: ConfigEntry, nonce: string): Uint8Array {
  return writeJson({ schema: 1, ...entry, at: isoTime(atMs), nonce });
}

/** Of whoever wrote it; undefined for what is no entry. */
export function decodeEntryNonce(bytes: Uint8Array): string | undefined {
  const read = readJson(bytes, z.object({ nonce: z.string() }));
  return read.ok ? read.value.nonce : undefined;
}

export function decodeEntryOf(bytes: Uint8Array): Shaped<ConfigEntry> {
  return readJson(
    bytes,
    EntrySchema.transform(({ schema: _schema, at: atMs, ...entry }) => ({ ...entry, atMs })),
  );
}

export function encodeBody({ atMs, ...body }: ConfigBody): Uint8Array {
  return writeJson({ schema: 1, ...body, at: isoTime(atMs) });
}

export function decodeBody(bytes: Uint8Array): Shaped<ConfigBody> {
  return readJson(
    bytes,
    BodySchema.transform(({ schema: _schema, at: atMs, text, pieces, ...body }) => ({ ...body, atMs, text, pieces })),
  );
}

/** Keys below `<prefix>/config/`; numbers have ten digits, so that they are in order. */
export interface ConfigKeys {
  readonly current: string;
  /** A version that some try: see `config-candidate-record.ts`. */
  readonly candidate: string;
  readonly versions: string;
  readonly entries: string;
  readonly pieces: string;
  version(number: number): string;
  entry(number: number): string;
  piece(id: string, index: number): string;
}

export function configKeys(prefix: string): ConfigKeys {
  const below = `${prefix}/config`;
  return {
    current: `${below}/current`,
    candidate: `${below}/candidate`,
    versions: `${below}/v/`,
    entries: `${below}/h/`,
    pieces: `${below}/p/`,
    version: (number) => `${below}/v/${digits(number)}`,
    entry: (number) => `${below}/h/${digits(number)}`,
    piece: (id, index) => `${below}/p/${id}/${String(index).padStart(2, "0")}`,
  };
}

export function digits(number: number): string {
  return String(number).padStart(10, "0");
}
