import { Client, errors } from "undici";
import type { Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import { formatDuration } from "../../core/units.ts";
import { VERSION } from "../../core/version.ts";
import { type AdminAnswer, readAnswer } from "./answer.ts";
import type { AdminOptions } from "./options.ts";

/** One call of the admin API. */
export interface AdminCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Segments, not yet encoded: `["rules", id]` is /api/v1/rules/{id}. */
  readonly path: readonly string[];
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: AdminRequestBody;
  /** An entity tag: readIfMatch. */
  readonly ifMatch?: string | undefined;
}

export interface AdminRequestBody {
  readonly type: "application/json" | "application/yaml";
  readonly text: string;
}

/**
 * Calls the admin API once, on a connection of its own. Never rejects: what goes wrong is an
 * answer.
 */
export async function callAdmin(call: AdminCall, options: AdminOptions, clock: Clock): Promise<AdminAnswer> {
  const { url, token, ca, timeoutMs } = options;
  const late = new AbortController();
  const cancelTimer = clock.after(timeoutMs, () => late.abort());
  const target = new URL(`${url}/api/v1/${call.path.map(encodeURIComponent).join("/")}`);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) target.searchParams.set(name, value);
  }
  const client = new Client(target.origin, { ...LIMITS, connect: { timeout: 0, ...(ca !== undefined && { ca }) } });
  try {
    const { statusCode, headers, body } = await client.request({
      path: `${target.pathname}${target.search}`,
      method: call.method,
      headers: headersOf(call, token),
      body: call.body?.text ?? null,
      signal: late.signal,
    });
    return readAnswer(statusCode, String(headers["content-type"] ?? ""), await body.text());
  } catch (cause) {
    if (!late.signal.aborted) return whyUnreachable(cause, url);
    const hint = "is it the admin listener (node.listen.admin)? --timeout waits longer";
    return { kind: "unreachable", reason: `no answer within ${formatDuration(timeoutMs)}`, hint };
  } finally {
    cancelTimer();
    await client.destroy();
  }
}

/** One timer of ours bounds a call. A config has 16 MiB at most, and some answers have two. */
const LIMITS = { headersTimeout: 0, bodyTimeout: 0, maxResponseSize: 64 * 1_024 * 1_024 };

function headersOf({ body, ifMatch }: AdminCall, token: string | undefined): Record<string, string> {
  return {
    accept: "application/json, application/problem+json, application/yaml",
    "user-agent": `signalbox-cli/${VERSION}`,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(ifMatch !== undefined && { "if-match": ifMatch }),
    ...(body !== undefined && { "content-type": body.type }),
  };
}

/** From what undici and the sockets below it say. */
function whyUnreachable(cause: unknown, url: string): AdminAnswer {
  const code = codeOf(cause);
  const isTls = url.startsWith("https:");
  return { kind: "unreachable", reason: reasonFor(code, isTls) ?? reasonOf(cause), hint: hintFor(code, isTls) };
}

/** In the words of this end: what OpenSSL and the parser of HTTP say is for those who know them. */
function reasonFor(code: string, isTls: boolean): string | undefined {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "its certificate is for other names";
  if (code === "CERT_HAS_EXPIRED") return "its certificate has expired";
  if (/CERT|SIGNATURE|ISSUER/u.test(code)) return "its certificate is signed by nobody who is trusted here";
  if (isTls && (code === "EPROTO" || code.startsWith("ERR_SSL"))) return "it does not take part in TLS";
  return code === "HPE" ? "it does not answer in HTTP/1" : undefined;
}

function hintFor(code: string, isTls: boolean): string {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "the name is not known; name another node with --url or SIGNALBOX_URL";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "call it by a name that its certificate has, with --url";
  if (/CERT|SIGNATURE|ISSUER/u.test(code)) return "--ca <file> names the authority that signed its certificate";
  if (isTls && (code === "EPROTO" || code.startsWith("ERR_SSL")))
    return "it seems to speak without TLS (write http://), or wants a certificate";
  if (!isTls && (code === "ECONNRESET" || code === "UND_ERR_SOCKET" || code === "HPE")) {
    return "what listens there does not speak HTTP/1: if that is TLS write https://; the admin listener is node.listen.admin";
  }
  return "start a node with signalbox run, or name another one with --url or SIGNALBOX_URL; the port is node.listen.admin";
}

/** Of several addresses that were tried, the first one's. */
function codeOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return codeOf(cause.errors[0]);
  if (cause instanceof errors.HTTPParserError) return "HPE";
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
