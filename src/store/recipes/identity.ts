import { randomUUID } from "node:crypto";
import { z } from "zod";
import { RouterError } from "../../core/errors.ts";
import { isoTime } from "../../core/iso-time.ts";
import type { CallOptions, Compare, Entry, Store } from "../store.ts";
import { compareEpochs, type Epoch, formatEpoch, parseEpoch } from "./epoch.ts";
import { readJson, writeJson } from "./json-value.ts";
import { checkedPart, checkedPrefix } from "./keys.ts";
import type { RecipePlace } from "./place.ts";

/**
 * Which fleet a store belongs to. A store that was wiped, restored or mixed up cannot be told by
 * anything of its own: etcd even keeps its cluster id.
 */
export interface FleetIdentity {
  readonly id: string;
  /** From 1; people raise it when a store has lost what it knew. */
  readonly generation: number;
  /** Whatever is older is refused, in every scope. */
  readonly minEpoch: Epoch;
}

/** Where an identity is kept: it needs no sessions. */
export interface FleetPlace extends Pick<RecipePlace, "prefix" | "clock"> {
  readonly store: Pick<Store, "get" | "txn">;
}

/** What stands at `<prefix>/fleet`. */
export type FoundFleet =
  | { readonly kind: "found"; readonly identity: FleetIdentity }
  | { readonly kind: "missing" }
  | { readonly kind: "malformed"; readonly reason: string };

/** Who makes a fleet, and which id it gets; default: a random one. */
export interface InitOptions extends CallOptions {
  /** Default: a random one. */
  readonly id?: string;
  /** Who did it, for people: written beside it. */
  readonly by?: string;
}

/** Who says that the store is the right one, and what is known of the fleet. */
export interface AdoptOptions extends Omit<InitOptions, "id"> {
  /** What nodes remember of the fleet: the store is to be above it. */
  readonly known?: Pick<FleetIdentity, "id" | "generation"> | undefined;
}

/** Nine digits, as an epoch is written. */
const MAX_GENERATION = 999_999_999;

/** It was made, or there is something already. */
export type InitOutcome =
  | { readonly kind: "created"; readonly identity: FleetIdentity }
  /** There is one: nothing was changed. */
  | { readonly kind: "exists"; readonly found: FoundFleet };

/** It was adopted, or why not. */
export type AdoptOutcome =
  | { readonly kind: "adopted"; readonly identity: FleetIdentity; readonly before: FoundFleet }
  /** Somebody else changed it at the same time. */
  | { readonly kind: "conflict" }
  /** Neither the store nor whoever asks knows a fleet. */
  | { readonly kind: "unknown" };

/** What the store says of whose it is. Throws as the store does. */
export async function readFleet(place: FleetPlace, options: CallOptions): Promise<FoundFleet> {
  return foundIn(await place.store.get(fleetKey(place.prefix), options));
}

/** Makes a fleet where there is none yet. */
export async function initFleet(place: FleetPlace, options: InitOptions): Promise<InitOutcome> {
  const key = fleetKey(place.prefix);
  const identity = identityWith(checkedPart(options.id ?? randomUUID(), ID), 1);
  const value = encodeIdentity(identity, place, options.by);
  const outcome = await place.store.txn(
    { if: [{ kind: "absent", key }], then: [{ kind: "put", key, value }], else: [key] },
    options,
  );
  if (outcome.done) return { kind: "created", identity };
  return { kind: "exists", found: foundIn(outcome.entries[0]) };
}

/**
 * Declares the store as it is now to be the truth of the fleet, above all that is `known` of it:
 * nodes that had isolated themselves from the store follow it again.
 */
export async function adoptFleet(place: FleetPlace, options: AdoptOptions): Promise<AdoptOutcome> {
  const { known } = options;
  const key = fleetKey(place.prefix);
  const entry = await place.store.get(key, options);
  const before = foundIn(entry);
  const there = before.kind === "found" ? before.identity : undefined;
  const id = known?.id ?? there?.id;
  if (id === undefined) return { kind: "unknown" };
  const generation = Math.max(known?.generation ?? 0, there?.generation ?? 0) + 1;
  if (generation > MAX_GENERATION) {
    throw new RouterError("STORE_REFUSED", `generation ${generation} is above ${MAX_GENERATION}`, {
      hint: "give the highest generation that a node of the fleet remembers: signalbox fleet show",
    });
  }
  const identity = identityWith(checkedPart(id, ID), generation);
  const value = encodeIdentity(identity, place, options.by);
  const asItWas: Compare =
    entry === undefined ? { kind: "absent", key } : { kind: "modified", key, revision: entry.modified };
  const outcome = await place.store.txn({ if: [asItWas], then: [{ kind: "put", key, value }] }, options);
  return outcome.done ? { kind: "adopted", identity, before } : { kind: "conflict" };
}

/** What a node is to do with a store that says so of its fleet. */
export type FleetVerdict =
  /** As it was, or with a higher generation, or the first that this node hears of. */
  | { readonly kind: "same" | "raised" | "new"; readonly identity: FleetIdentity }
  /** The store has no fleet, and this node knows none. */
  | { readonly kind: "unformed"; readonly message: string; readonly hint: string }
  /** Nothing of the store is to be believed: the last good config holds, and somebody is told. */
  | { readonly kind: "isolated"; readonly why: IsolationReason; readonly message: string; readonly hint: string };

const ISOLATION_REASONS = ["missing", "different", "lower", "unreadable"] as const;
/** Why a node does not follow its store. */
export type IsolationReason = (typeof ISOLATION_REASONS)[number];

/** Compares what a node remembers with what the store says. */
export function compareFleet(known: FleetIdentity | undefined, found: FoundFleet): FleetVerdict {
  if (found.kind === "malformed") {
    return isolated("unreadable", `what the store says of the fleet cannot be read: ${found.reason}`);
  }
  if (known === undefined) return found.kind === "missing" ? UNFORMED : { kind: "new", identity: found.identity };
  if (found.kind === "missing") {
    return isolated("missing", `the store knows no fleet, and this node belongs to ${tell(known)}: it was wiped`);
  }
  const { identity } = found;
  if (identity.id !== known.id) {
    return isolated("different", `the store belongs to fleet ${tell(identity)}, and this node to ${tell(known)}`);
  }
  const steps = [identity.generation - known.generation, compareEpochs(identity.minEpoch, known.minEpoch)];
  if (steps.some((step) => step < 0)) {
    return isolated("lower", `the store has gone back to ${tell(identity)}, and this node knows ${tell(known)}`);
  }
  return { kind: steps.some((step) => step > 0) ? "raised" : "same", identity };
}

/** What a node is to be told of an epoch that the store has and that is older than one seen. */
export function olderEpoch(scope: string, seen: Epoch, found: Epoch): FleetVerdict {
  const message = `the store has epoch ${formatEpoch(found)} of ${scope}, and this node has seen ${formatEpoch(seen)}`;
  return isolated("lower", `${message}: it was restored from a backup`);
}

/** Of the store's value, and of the file that a node remembers it with. */
export const IdentitySchema = z.object({
  id: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/u, "is no id"),
  generation: z.int().min(1).max(MAX_GENERATION),
  min_epoch: z.string().transform((text, context): Epoch => {
    const epoch = parseEpoch(text);
    if (epoch !== undefined) return epoch;
    context.addIssue({ code: "custom", message: "is no epoch, such as 1.0" });
    return z.NEVER;
  }),
});

/** As JSON; also in the file that a node remembers it with. */
export function shownIdentity(identity: FleetIdentity): Readonly<Record<string, unknown>> {
  return { id: identity.id, generation: identity.generation, min_epoch: formatEpoch(identity.minEpoch) };
}

export function identityFrom(read: z.output<typeof IdentitySchema>): FleetIdentity {
  return { id: read.id, generation: read.generation, minEpoch: read.min_epoch };
}

function foundIn(entry: Entry | undefined): FoundFleet {
  if (entry === undefined) return { kind: "missing" };
  const read = readJson(entry.value, IdentitySchema);
  return read.ok ? { kind: "found", identity: identityFrom(read.value) } : { kind: "malformed", reason: read.reason };
}

const ID = "the id of a fleet";

/** Fails with `STORE_REFUSED` for what no fleet can be called. */
export function checkFleetId(id: string): void {
  checkedPart(id, ID);
}

function identityWith(id: string, generation: number): FleetIdentity {
  return { id, generation, minEpoch: { generation, revision: 0n } };
}

/** The nonce tells two that wrote the same at the same time. */
function encodeIdentity(identity: FleetIdentity, { clock }: FleetPlace, by = ""): Uint8Array {
  return writeJson({ ...shownIdentity(identity), at: isoTime(clock.wallMs()), by, nonce: randomUUID() });
}

export function fleetKey(prefix: string): string {
  return `${checkedPrefix(prefix)}/fleet`;
}

const UNFORMED: FleetVerdict = {
  kind: "unformed",
  message: "the store has no fleet under this prefix yet",
  hint: "signalbox fleet init makes one; if there should be one, look at coordination.prefix",
};

function isolated(why: IsolationReason, message: string): FleetVerdict {
  return { kind: "isolated", why, message, hint: ADOPT };
}

const ADOPT =
  "if the store is the right one and what it has now is to hold, signalbox fleet adopt; else mend endpoints or prefix";

function tell({ id, generation }: FleetIdentity): string {
  return `${id} (generation ${generation})`;
}
