import type { ServerResponse } from "node:http";
import type { z } from "zod";

/**
 * Who may call a route: `none` anybody, also from elsewhere and without a token. Each role may do
 * what those before it may.
 */
export const ROLES = ["none", "viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** One row of the table in routes.ts. */
export interface AdminRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A segment in braces is a parameter: `/api/v1/targets/{id}`. */
  readonly path: string;
  readonly role: Role;
  /** One line, for openapi.json. */
  readonly summary: string;
  /** The content type of a 200; default: JSON. */
  readonly type?: string;
  /** Statuses of its own, besides those that follow from its role, body, guard and work. */
  readonly statuses?: readonly number[];
  /** Parameters behind the question mark, with what they mean. */
  readonly query?: Readonly<Record<string, string>>;
  /**
   * Whether it takes `If-Match`, so that a change is made only to the version that was looked at.
   */
  readonly guarded?: boolean;
  readonly body?: BodySpec;
  /** What is done for it beside the data plane, of which only so much may be under way. */
  readonly work?: RouteWork;
  handle(request: AdminRequest): AdminReply | Promise<AdminReply>;
}

/** What is the same of all that change the config. */
export const CHANGE = { role: "admin", guarded: true, work: "document" } as const;
/** Of routes that only look. */
export const READ = { method: "GET", role: "viewer" } as const;

/** What a route takes as its body. */
export interface BodySpec {
  readonly maxBytes: number;
  readonly types: readonly BodyType[];
  readonly required: boolean;
  /** For openapi.json: its schema, or the name of a component. */
  readonly schema: z.ZodType | string;
}

/** Reading documents; explaining items. */
export type RouteWork = "document" | "explain";

export type BodyType = "json" | "yaml";

export interface AdminRequest {
  /** The parameters of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The versions of `If-Match`; undefined when any will do. */
  readonly guard: readonly number[] | undefined;
  /** Of whoever calls. */
  readonly role: Role;
  /** Undefined when none was sent, or the route takes none. */
  readonly body: AdminBody | undefined;
  /** Fires when whoever asked waits no more. */
  readonly signal: AbortSignal;
  /** A header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
}

export interface AdminBody {
  readonly text: string;
  readonly type: BodyType;
}

export interface AdminReply {
  readonly status: number;
  /** Sends what there is and what comes, in the place of `body`, until the client leaves. */
  readonly stream?: (response: ServerResponse) => void;
  /** A text and bytes are sent as they are; anything else as JSON. */
  readonly body: unknown;
  /**
   * In the place of `body`: the reply as it is made, no faster than the client reads. `gone` is
   * aborted when the client leaves: then nothing more is asked for. Nothing of it is hidden.
   */
  readonly chunks?: (gone: AbortSignal) => AsyncIterable<Uint8Array>;
  /** Without it: the route's own. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What is told of something, as JSON has it: members in snake_case, times as ISO texts, durations
 * in milliseconds; absent numbers are null. docs/reference/ has the members.
 */
export type View = Readonly<Record<string, unknown>>;

export const JSON_TYPE = "application/json; charset=utf-8";
export const YAML_TYPE = "application/yaml; charset=utf-8";

type RouteMatch =
  | { readonly kind: "route"; readonly route: AdminRoute; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: "method_not_allowed"; readonly allow: readonly string[] }
  | { readonly kind: "not_found" };

/** HEAD is answered by what answers GET. */
export function matchRoute(routes: readonly AdminRoute[], method: string, path: string): RouteMatch {
  const wanted = method === "HEAD" ? "GET" : method;
  const allow = new Set<string>();
  for (const route of routes) {
    const params = matchPath(route.path, path);
    if (params === undefined) continue;
    if (route.method === wanted) return { kind: "route", route, params };
    allow.add(route.method);
    if (route.method === "GET") allow.add("HEAD");
  }
  return allow.size === 0 ? { kind: "not_found" } : { kind: "method_not_allowed", allow: [...allow].toSorted() };
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, segment] of wanted.entries()) {
    const text = given[i] ?? "";
    const name = /^\{(\w+)\}$/u.exec(segment)?.[1];
    if (name === undefined && segment !== text) return undefined;
    if (name === undefined) continue;
    const decoded = decode(text);
    if (decoded === undefined || decoded === "") return undefined;
    params[name] = decoded;
  }
  return params;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
