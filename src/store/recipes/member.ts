import { truncate } from "../../core/truncate.ts";
import { z } from "zod";
import { RouterError } from "../../core/errors.ts";
import { isoTime, parseIsoTime } from "../../core/iso-time.ts";
import type { Entry, Revision } from "../store.ts";
import { checkedPart } from "./keys.ts";
import { readJson, type Shaped, writeJson } from "./json-value.ts";

/** What a member says of itself as it registers. */
export interface MemberInfo {
  /** Unique in the registry: letters, digits, `.`, `_` and `-`, at most 128. */
  readonly id: string;
  /** What it is found by: several members may have the same. */
  readonly name: string;
  /** Where it is reached, as it wants to be called: `10.0.0.7:4321`. */
  readonly address: string;
  readonly region: string;
  /** How much it can carry, in the unit that all members have agreed on; 0: nothing. */
  readonly capacity: number;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** How a member says that it does: it is listed whatever it says, until its session ends. */
export type MemberHealth =
  | { readonly state: "healthy" }
  | { readonly state: "unhealthy"; readonly reason: string }
  /** Nothing has been checked yet. */
  | { readonly state: "unknown" };

/** A member as the registry lists it. */
export interface Member extends MemberInfo {
  readonly health: MemberHealth;
  /** Milliseconds since 1970, by the member's own clock: when it registered first. */
  readonly registeredAtMs: number;
  /** Of its entry: a member that was lost and is back has another one. */
  readonly created: Revision;
  readonly session: string | undefined;
}

/** What is written: `incarnation` tells a member from another one with its id. */
interface MemberRecord {
  readonly info: MemberInfo;
  readonly health: MemberHealth;
  readonly registeredAtMs: number;
  readonly incarnation: string;
}

/** A member's entry, at most: it is written anew whenever the health changes. */
const MAX_MEMBER_BYTES = 16_384;
const MAX_TEXT = 256;
const MAX_METADATA = 64;
const MAX_METADATA_VALUE = 1_024;
const MAX_REASON = 500;

const text = z.string().max(MAX_TEXT);
const HealthSchema = z.discriminatedUnion("state", [
  z.object({ state: z.literal("healthy") }),
  z.object({ state: z.literal("unhealthy"), reason: z.string().max(MAX_REASON) }),
  z.object({ state: z.literal("unknown") }),
]);

const MemberSchema = z.object({
  id: text.min(1),
  name: text.min(1),
  address: text.min(1),
  region: text.min(1),
  capacity: z.number().min(0),
  version: text,
  metadata: z
    .record(z.string().min(1).max(128), z.string().max(MAX_METADATA_VALUE))
    .refine((all) => Object.keys(all).length <= MAX_METADATA, `has more than ${MAX_METADATA} entries`),
  health: HealthSchema,
  registered_at: z.iso.datetime(),
  incarnation: z.string(),
});

/** Fails with `STORE_REFUSED` where it is no member, or too large a one. */
export function encodeMember({ info, health, registeredAtMs, incarnation }: MemberRecord): Uint8Array {
  const value = {
    ...info,
    health: health.state === "unhealthy" ? { ...health, reason: truncate(health.reason, MAX_REASON) } : health,
    registered_at: isoTime(registeredAtMs),
    incarnation,
  };
  checkedPart(info.id, "the id of a member");
  const checked = MemberSchema.safeParse(value);
  const issue = checked.success ? undefined : checked.error.issues[0];
  if (issue !== undefined) throw refused(info.id, `${issue.path.join(".")}: ${issue.message}`);
  const bytes = writeJson(value);
  if (bytes.length > MAX_MEMBER_BYTES) throw refused(info.id, `it takes ${bytes.length} bytes`);
  return bytes;
}

function refused(id: string, reason: string): RouterError {
  return new RouterError("STORE_REFUSED", `member ${id} cannot be registered: ${reason}`, {
    hint: `a member takes at most ${MAX_MEMBER_BYTES} bytes, with ${MAX_METADATA} entries of metadata`,
  });
}

/** What an entry of the registry says. */
export function decodeMember(entry: Entry): Shaped<Member & { readonly incarnation: string }> {
  const read = readJson(entry.value, MemberSchema);
  if (!read.ok) return read;
  const { registered_at: registeredAt, ...member } = read.value;
  const registeredAtMs = parseIsoTime(registeredAt) ?? 0;
  return { ok: true, value: { ...member, registeredAtMs, created: entry.created, session: entry.session } };
}
