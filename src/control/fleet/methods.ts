import type { z } from "zod";
import { reasonOf } from "../../core/errors.ts";
import { checkShape, type Shaped, writeJson } from "../../store/recipes/json-value.ts";
import { FLEET_BOUNDS } from "./bounds.ts";
import type { ControllerMethod, ControllerReply, ControllerRequest } from "./controller-calls.ts";
import {
  AwaitReplySchema,
  AwaitSchema,
  DiscoverReplySchema,
  DiscoverSchema,
  FetchReplySchema,
  FetchSchema,
  FLEET_SERVICE,
  GoodbyeReplySchema,
  LimitsReplySchema,
  LimitsSchema,
  GoodbyeSchema,
  MemberReplySchema,
  MemberSchema,
  MembersReplySchema,
  MembersSchema,
  type NotLeader,
  NotLeaderSchema,
  ReportReplySchema,
  ReportSchema,
} from "./messages.ts";

/** How a call is written. */
interface MethodSpec<Method extends ControllerMethod> {
  /** `:path` of the request. */
  readonly path: string;
  readonly request: z.ZodType<ControllerRequest<Method>>;
  readonly reply: z.ZodType<ControllerReply<Method>>;
  readonly maxReplyBytes: number;
  /** Whoever calls is the node that the request names: a certificate has to say so. */
  readonly isOfCaller: boolean;
}

const { messageBytes, pageBytes, fetchReplyBytes } = FLEET_BOUNDS;

function method<Method extends ControllerMethod>(
  name: string,
  spec: Omit<MethodSpec<Method>, "path">,
): MethodSpec<Method> {
  return { path: `/${FLEET_SERVICE}/${name}`, ...spec };
}

export const METHODS: { readonly [Method in ControllerMethod]: MethodSpec<Method> } = {
  report: method<"report">("Report", {
    request: ReportSchema,
    reply: ReportReplySchema,
    maxReplyBytes: messageBytes,
    isOfCaller: true,
  }),
  await: method<"await">("Await", {
    request: AwaitSchema,
    reply: AwaitReplySchema,
    // Each directive has up to 8 KiB of text in it, which JSON makes longer.
    maxReplyBytes: pageBytes,
    isOfCaller: true,
  }),
  fetch: method<"fetch">("Fetch", {
    request: FetchSchema,
    reply: FetchReplySchema,
    maxReplyBytes: fetchReplyBytes,
    isOfCaller: true,
  }),
  goodbye: method<"goodbye">("Goodbye", {
    request: GoodbyeSchema,
    reply: GoodbyeReplySchema,
    maxReplyBytes: messageBytes,
    isOfCaller: true,
  }),
  limits: method<"limits">("Limits", {
    request: LimitsSchema,
    reply: LimitsReplySchema,
    maxReplyBytes: messageBytes,
    isOfCaller: true,
  }),
  members: method<"members">("Members", {
    request: MembersSchema,
    reply: MembersReplySchema,
    maxReplyBytes: pageBytes,
    isOfCaller: false,
  }),
  discover: method<"discover">("Discover", {
    request: DiscoverSchema,
    reply: DiscoverReplySchema,
    maxReplyBytes: pageBytes,
    isOfCaller: true,
  }),
  member: method<"member">("Member", {
    request: MemberSchema,
    reply: MemberReplySchema,
    maxReplyBytes: pageBytes,
    isOfCaller: false,
  }),
};

export const METHOD_NAMES = [
  "report",
  "await",
  "fetch",
  "goodbye",
  "limits",
  "members",
  "discover",
  "member",
] as const satisfies readonly [...ControllerMethod[]];

export const MOST_REPLY_BYTES = fetchReplyBytes;

export function writeMessage(message: object): Uint8Array {
  return writeJson(message);
}

export function readRequest<Method extends ControllerMethod>(
  name: Method,
  bytes: Uint8Array,
): Shaped<ControllerRequest<Method>> {
  const spec: MethodSpec<Method> = METHODS[name];
  const read = parse(bytes);
  return read.ok ? checkShape(read.value, spec.request) : read;
}

/** What an answer says: it may be that of somebody who leads no more. */
export function readReply<Method extends ControllerMethod>(
  name: Method,
  bytes: Uint8Array,
): Shaped<ControllerReply<Method> | NotLeader> {
  const spec: MethodSpec<Method> = METHODS[name];
  const read = parse(bytes);
  if (!read.ok) return read;
  const notLeader = saysNotLeader(read.value) ? NotLeaderSchema.safeParse(read.value) : undefined;
  return notLeader?.success === true ? { ok: true, value: notLeader.data } : checkShape(read.value, spec.reply);
}

/** Seldom. That an answer has not the shape of that costs more than all the rest of its reading. */
function saysNotLeader(value: unknown): boolean {
  return typeof value === "object" && value !== null && "not_leader" in value;
}

function parse(bytes: Uint8Array): Shaped<unknown> {
  try {
    return { ok: true, value: JSON.parse(UTF8.decode(bytes)) };
  } catch (cause) {
    return { ok: false, reason: `it is no JSON: ${reasonOf(cause)}` };
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });
