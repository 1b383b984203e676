import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Secret } from "../core/secret.ts";
import { sha256BytesOf } from "../core/sha256.ts";
import { problemReply } from "./reply.ts";
import { type AdminReply, ROLES, type Role } from "./route.ts";

export interface AdminToken {
  readonly role: Exclude<Role, "none">;
  readonly value: Secret;
}

/** Says who may call what: the role that whoever calls has, or the answer that refuses. */
export type Authorize = (request: IncomingMessage, role: Role) => Authorized;
type Authorized = { readonly ok: true; readonly role: Role } | { readonly ok: false; readonly reply: AdminReply };

/**
 * With tokens, a request carries one whose role is at least the route's. Without tokens only this
 * machine may call, and only by a name of this machine: a web page that points its own name here
 * (DNS rebinding) is refused.
 */
export function createAuthorize(tokens: readonly AdminToken[]): Authorize {
  const digests = tokens.map(({ role, value }) => ({ role, digest: sha256BytesOf(value.reveal()) }));
  return (request, role) => {
    if (role === "none") return { ok: true, role };
    return digests.length === 0 ? checkLocal(request) : checkToken(request, role, digests);
  };
}

function checkToken(
  request: IncomingMessage,
  role: Role,
  digests: readonly { readonly role: Role; readonly digest: Buffer }[],
): Authorized {
  const given = /^Bearer +(\S+)$/iu.exec(request.headers.authorization ?? "")?.[1];
  const challenge = { headers: { "www-authenticate": 'Bearer realm="signalbox"' } };
  if (given === undefined) return refused(401, "send a token: Authorization: Bearer <token>", challenge);
  const digest = sha256BytesOf(given);
  let granted: Role = "none";
  for (const known of digests) {
    // All are compared, each in constant time, so that the time tells nothing about any of them.
    if (timingSafeEqual(known.digest, digest) && rank(known.role) > rank(granted)) granted = known.role;
  }
  if (granted === "none") return refused(401, "this token is not known", challenge);
  if (rank(granted) >= rank(role)) return { ok: true, role: granted };
  return refused(403, `this needs the role ${role}; the token has the role ${granted}`);
}

function checkLocal(request: IncomingMessage): Authorized {
  if (!isLoopback(request.socket.remoteAddress ?? "")) {
    return refused(403, "without node.admin.tokens only this machine may call; set a token to call from elsewhere");
  }
  const host = hostOf(`http://${request.headers.host ?? ""}`);
  if (host === undefined || !isLocalName(host)) {
    return refused(403, "the Host header names another machine; call localhost or 127.0.0.1, or set node.admin.tokens");
  }
  const { origin, "sec-fetch-site": site } = request.headers;
  if ((origin !== undefined && origin !== originOf(request)) || site === "cross-site" || site === "same-site") {
    return refused(403, "pages of other origins may not call this");
  }
  return { ok: true, role: "admin" };
}

function refused(...problem: Parameters<typeof problemReply>): Authorized {
  return { ok: false, reply: problemReply(...problem) };
}

function originOf(request: IncomingMessage): string {
  return `${"encrypted" in request.socket ? "https" : "http"}://${request.headers.host ?? ""}`;
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

function isLocalName(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/u.test(host);
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./u.test(address);
}

function rank(role: Role): number {
  return ROLES.indexOf(role);
}
