import { z } from "zod";
import { LimitsAskSchema, LimitsGrantSchema } from "../limits/limit-report.ts";
import { SamplingReplySchema, SamplingReportSchema } from "../sampling/sampling-report.ts";
import { FLEET_BOUNDS } from "./bounds.ts";
import {
  DigestSchema,
  DirectiveNewsSchema,
  DirectiveSchema,
  EpochTextSchema,
  KnownDirectivesSchema,
} from "./directive.ts";

/**
 * What collectors and controllers say to each other. Fields are only ever added, and have a
 * default: what is unknown is ignored, so that peers of other versions understand each other. A
 * change that cannot be made so raises the number.
 */
export const FLEET_PROTOCOL = 1;

/** gRPC's name of the service; methods are those of `ControllerCalls`. */
export const FLEET_SERVICE = "signalbox.fleet.v1.Controller";

const text = z.string().max(FLEET_BOUNDS.text);
const reason = z.string().max(FLEET_BOUNDS.reason);
/** More is no measure of a node; sums of them stay numbers. */
const quantity = z
  .number()
  .min(0)
  .transform((value) => Math.min(value, FLEET_BOUNDS.quantity));
const count = z.int().min(0);
const protocol = count.default(0);
const NodeIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/u, "is not the id of a node");

/** Small maps of texts: addresses by listener, tags of people. */
function texts(most: number): z.ZodDefault<z.ZodType<Record<string, string>>> {
  return z
    .record(z.string().min(1).max(128), text)
    .refine((all) => Object.keys(all).length <= most, `has more than ${most} entries`)
    .default({});
}

/** The load of a node; shares are of what it has: 0.5 is half of it. */
export const CollectorLoadSchema = z.object({
  items_per_second: quantity.default(0),
  bytes_per_second: quantity.default(0),
  queue_items: quantity.default(0),
  cpu: quantity.default(0),
  memory: quantity.default(0),
  event_loop_ms: quantity.default(0),
  utilization: quantity.default(0),
  latency_ms: quantity.default(0),
  /** Share of the items that could not be delivered. */
  error_rate: quantity.default(0),
  /** Share of the items that sampling has left. */
  sampling_rate: quantity.default(1),
});

const CollectorCapacitySchema = z.object({ items_per_second: quantity.default(0) });

const CollectorHealthSchema = z.object({
  state: z.enum(["healthy", "unhealthy", "unknown"]).catch("unknown").default("unknown"),
  reason: reason.default(""),
});

/** Since the start of a collector: what has grown between two Reports is what came in between. */
const CollectorCountersSchema = z.object({
  /** Items that have come to an end, well or not. */
  attempted_items: quantity.default(0),
  /** Of them: those that nobody has. */
  failed_items: quantity.default(0),
  /** Requests that were answered, and those of them with an error: also what the door refuses. */
  requests: quantity.default(0),
  refused_requests: quantity.default(0),
});

/** The config that a collector runs, and what became of the newest that it was given. */
const CollectorConfigSchema = z.object({
  /** 0: none. */
  version: count.default(0),
  digest: z.string().max(64).default(""),
  result: z.enum(["none", "running", "preparing", "refused"]).catch("none").default("none"),
  /** Of what was given last, when it is not what runs: it is being prepared, or was refused. */
  tried_version: count.optional(),
  tried_digest: z.string().max(64).optional(),
  reason: reason.optional(),
});
export type CollectorConfig = z.output<typeof CollectorConfigSchema>;

/** What a collector lets in of `global.rate_limiting`, of everything together: for people. */
const CollectorLimitsSchema = z.object({
  limit: quantity,
  /**
   * Items a second: the most that came in one of the last, what it may let in, what came, and what
   * was let in.
   */
  wanted: quantity.default(0),
  granted: quantity.default(0),
  offered: quantity.default(0),
  used: quantity.default(0),
  /** Items since its start that were refused or left out. */
  shed: quantity.default(0),
});
export type CollectorLimits = z.output<typeof CollectorLimitsSchema>;

/** The last moment that there is a date for. */
const LATEST_MS = 8.64e15;

/** What a collector gives up: for people. */
const CollectorDegradationSchema = z.object({
  level: count.default(0),
  reason: reason.default(""),
  /** Milliseconds since 1970, by its own clock. */
  since_ms: z.number().min(0).max(LATEST_MS).default(0),
  /** It obeys a fleet that is degraded. */
  fleet: z.boolean().default(false),
});
export type CollectorDegradation = z.output<typeof CollectorDegradationSchema>;

/** What a collector has been granted by a directive and goes on to use: so much longer. */
const HeldShareSchema = z.object({ epoch: EpochTextSchema, seq: count, valid_for_ms: count, share: quantity });

const IDENTITY_SHAPE = {
  id: NodeIdSchema,
  region: z.string().min(1).max(FLEET_BOUNDS.text),
  /**
   * One start of a node: made up anew each time, so that a goodbye of the one before says nothing.
   */
  incarnation: z.string().min(1).max(64),
};

const COLLECTOR_SHAPE = {
  ...IDENTITY_SHAPE,
  version: text.default(""),
  addresses: texts(FLEET_BOUNDS.addresses),
  /** The same for all who reach each other at 127.0.0.1. */
  host: z.string().max(64).optional(),
  tags: texts(FLEET_BOUNDS.tags),
  capacity: CollectorCapacitySchema.prefault({}),
  load: CollectorLoadSchema.prefault({}),
  counters: CollectorCountersSchema.prefault({}),
  health: CollectorHealthSchema.prefault({}),
  config: CollectorConfigSchema.prefault({}),
  /** The highest `schema` of documents that it reads. */
  schema_max: count.default(1),
  /** Absent: nothing is limited, or it is of a version that does not say so. */
  limited: CollectorLimitsSchema.optional().catch(undefined),
  degraded: CollectorDegradationSchema.optional().catch(undefined),
};

/** Who leads, as far as whoever answers knows. */
export const ControllerSchema = z.object({
  id: text,
  address: text,
  /** Whether it is dialled with TLS. */
  tls: z.boolean().default(false),
});
export type ControllerAddress = z.output<typeof ControllerSchema>;

/** Any call may be answered so: whoever was asked leads no more, and says who does if it knows. */
export const NotLeaderSchema = z.object({
  protocol,
  not_leader: z.literal(true),
  leader: ControllerSchema.optional(),
});
export type NotLeader = z.output<typeof NotLeaderSchema>;

export const ReportSchema = z.object({
  protocol,
  ...COLLECTOR_SHAPE,
  /** Rises with each Report of an incarnation: what was overtaken on the way is left out. */
  seq: count,
  /**
   * How often it reports: by this it is known when it is silent. Absent, or out of bounds: as often
   * as its controller does itself.
   */
  report_interval_ms: z
    .int()
    .min(FLEET_BOUNDS.shortestReportMs)
    .max(FLEET_BOUNDS.longestReportMs)
    .optional()
    .catch(undefined),
  received: KnownDirectivesSchema.default({}),
  held: z
    .record(z.string().max(128), HeldShareSchema)
    .refine((all) => Object.keys(all).length <= FLEET_BOUNDS.scopes, `has more than ${FLEET_BOUNDS.scopes} entries`)
    .default({}),
  /** Of its load in a minute, as it expects it; absent: it does not know. */
  forecast_utilization: quantity.optional(),
  /** What it has received before sampling; absent: none of its rates follows that. */
  sampling: SamplingReportSchema.optional().catch(undefined),
  /** What it believes the members of its region to be, if it knows: split views show by it. */
  view_digest: z.string().max(64).optional(),
  /** What it would let in of the fleet's limits; absent: it shares none. */
  limits: LimitsAskSchema.optional(),
});
export type CollectorReport = z.output<typeof ReportSchema>;

export const ReportReplySchema = z.object({
  protocol,
  controller: z.object({ id: text, epoch: EpochTextSchema }),
  newer: z.array(DirectiveNewsSchema).max(FLEET_BOUNDS.scopes).default([]),
  /** How many report to it: those who come back after it was lost take their time accordingly. */
  collectors: count.default(1),
  /** Milliseconds since 1970, by the controller's clock. */
  received_at_ms: z.number().default(0),
  /** What it may let in. */
  limits: LimitsGrantSchema.optional(),
  sampling: SamplingReplySchema.optional().catch(undefined),
});
export type ReportReply = z.output<typeof ReportReplySchema>;

/**
 * One process may be the controller of several regions. Absent: of the one that the id reports
 * from.
 */
const ofRegion = z.string().max(FLEET_BOUNDS.text).optional();

export const AwaitSchema = z.object({
  protocol,
  id: NodeIdSchema,
  region: ofRegion,
  known: KnownDirectivesSchema.default({}),
  /**
   * Digest of the document of the fleet's config that it has; empty: none. Another one may come
   * with the directive that names it. Absent: it fetches them all.
   */
  has: z.string().max(64).optional(),
});
export type AwaitRequest = z.output<typeof AwaitSchema>;

/** A document of the fleet's config, as it is. */
const DocumentSchema = z.object({ digest: DigestSchema, text: z.string() });
export type BroughtDocument = z.output<typeof DocumentSchema>;

/** Empty: nothing came within the time that it was held. */
export const AwaitReplySchema = z.object({
  protocol,
  directives: z.array(DirectiveSchema).max(FLEET_BOUNDS.scopes).default([]),
  /** What the directive of scope `config` among them names: it need not be fetched. */
  document: DocumentSchema.optional(),
});
export type AwaitReply = z.output<typeof AwaitReplySchema>;

export const FetchSchema = z.object({ protocol, id: NodeIdSchema, region: ofRegion, digest: DigestSchema });
export type FetchRequest = z.output<typeof FetchSchema>;

/** Without a body: the controller has none with this digest. */
export const FetchReplySchema = z.object({
  protocol,
  digest: DigestSchema,
  /** In Base64: so its length is known, whatever is in it. */
  body: z.base64().optional(),
});
export type FetchReply = z.output<typeof FetchReplySchema>;

export const GoodbyeSchema = z.object({
  protocol,
  id: NodeIdSchema,
  region: ofRegion,
  incarnation: IDENTITY_SHAPE.incarnation,
});
export type GoodbyeRequest = z.output<typeof GoodbyeSchema>;

export const GoodbyeReplySchema = z.object({ protocol });
export type GoodbyeReply = z.output<typeof GoodbyeReplySchema>;

/** The controller of a region asks the leader of the fleet for its part of the limits. */
export const LimitsSchema = z.object({
  protocol,
  id: NodeIdSchema,
  region: z.string().min(1).max(FLEET_BOUNDS.text),
  ask: LimitsAskSchema,
});
export type LimitsRequest = z.output<typeof LimitsSchema>;

export const LimitsReplySchema = z.object({ protocol, grant: LimitsGrantSchema });
export type LimitsReply = z.output<typeof LimitsReplySchema>;

/** A collector as its controller sees it. */
export const CollectorViewSchema = z.object({
  ...COLLECTOR_SHAPE,
  state: z.enum(["live", "suspect", "gone"]).catch("suspect").default("live"),
  /** Since its last Report. */
  age_ms: quantity.default(0),
  /** How often it reports, if it says so. */
  report_interval_ms: count.optional().catch(undefined),
});
export type CollectorView = z.output<typeof CollectorViewSchema>;

export const MembersSchema = z.object({
  protocol,
  region: z.string().min(1).max(FLEET_BOUNDS.text),
  /** Id of the last one of the page before. */
  after: z.string().max(FLEET_BOUNDS.text).optional(),
  limit: z.int().min(1).max(FLEET_BOUNDS.page).default(FLEET_BOUNDS.page),
});
export type MembersRequest = z.output<typeof MembersSchema>;

/** One start of a collector that has ended in good order. */
const LeftSchema = z.object({ id: NodeIdSchema, incarnation: IDENTITY_SHAPE.incarnation });
export type LeftCollector = z.output<typeof LeftSchema>;

/** In the order of their ids. */
export const MembersReplySchema = z.object({
  protocol,
  region: text,
  members: z.array(CollectorViewSchema).max(FLEET_BOUNDS.page).default([]),
  /** Given as `after`, the next page; absent: there is none. */
  next: text.optional(),
  /** It has come to lead a moment ago: who is not in it may be there all the same. */
  is_learning: z.boolean().optional(),
  /** With the first page: who has said goodbye lately, as far as is remembered. */
  left: z.array(LeftSchema).max(FLEET_BOUNDS.left).optional().catch(undefined),
  /** Of the ids of all of its members, sorted: who disagrees has another one. */
  view_digest: z.string().max(64).optional(),
});
export type MembersReply = z.output<typeof MembersReplySchema>;

export const MemberSchema = z.object({ protocol, id: NodeIdSchema, region: ofRegion });
export type MemberRequest = z.output<typeof MemberSchema>;

/**
 * All that its controller knows of one; without `member`: nothing. Its past the node itself knows.
 */
export const MemberReplySchema = z.object({
  protocol,
  member: CollectorViewSchema.extend({
    received: KnownDirectivesSchema.default({}),
    reports: count.default(0),
    /** Milliseconds since 1970, by the controller's clock. */
    first_seen_ms: z.number().default(0),
  }).optional(),
});
export type MemberReply = z.output<typeof MemberReplySchema>;

/** Which members a node is looking for: healthy ones, with a listener that can be dialled. */
const MemberSelectionSchema = z.object({
  region: z.string().min(1).max(FLEET_BOUNDS.text),
  /** Globs over the tags of members. */
  tags: texts(FLEET_BOUNDS.tags),
  listener: text,
});
export type MemberSelection = z.output<typeof MemberSelectionSchema>;

export const DiscoverSchema = z.object({
  protocol,
  id: NodeIdSchema,
  region: ofRegion,
  wanted: z.array(MemberSelectionSchema).max(FLEET_BOUNDS.selections),
  /** Of the last answer: the next one is held while it is the same. */
  known: z.string().max(64).optional(),
  /** Used on while whoever answers has not heard of all, and does not tell of them. */
  kept: z.array(NodeIdSchema).max(FLEET_BOUNDS.found).optional(),
});
export type DiscoverRequest = z.output<typeof DiscoverSchema>;

const FoundMemberSchema = z.object({
  id: NodeIdSchema,
  address: text,
  /** Of a loopback address: as in the Report, for who is on that host. */
  host: z.string().max(64).optional(),
  utilization: quantity.default(0),
});

/** What one selection has found. */
const MemberSetSchema = z.object({
  /** In the order of their ids, and no more than that of all that fit. */
  members: z.array(FoundMemberSchema).max(FLEET_BOUNDS.found).default([]),
  /** How many fit. */
  total: count.default(0),
  /** There may be more: whoever answers has not heard of all of them yet. */
  is_learning: z.boolean().default(false),
  /** Those of whom it has heard meanwhile that they have ended. */
  left: z.array(NodeIdSchema).max(FLEET_BOUNDS.found).default([]),
});
export type MemberSet = z.output<typeof MemberSetSchema>;

export const DiscoverReplySchema = z.object({
  protocol,
  /** Of who they are and where; what they say of their load is not in it. */
  digest: z.string().max(64).default(""),
  /** In the order of what is wanted. */
  found: z.array(MemberSetSchema).max(FLEET_BOUNDS.selections).default([]),
});
export type DiscoverReply = z.output<typeof DiscoverReplySchema>;

/** Base64 of a body, for the reply of Fetch. */
export function encodeBody(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("base64");
}

export function decodeBody(text64: string): Uint8Array {
  return Buffer.from(text64, "base64");
}
