import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Cancel, Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import { formatDuration } from "../../core/units.ts";
import { VERSION } from "../../core/version.ts";
import { type AdminAnswer, readAnswer } from "./answer.ts";
import type { AdminOptions } from "./options.ts";

/** One call of the admin API. */
export interface AdminCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
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
  let cancel: Cancel | undefined;
  try {
    const request = openRequest(call, options);
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(options.timeoutMs, () => {
        reject(timedOut(formatDuration(options.timeoutMs)));
        request.destroy();
      });
    });
    return await Promise.race([exchange(request, call.body), late]);
  } catch (cause) {
    return whyUnreachable(cause, options.url);
  } finally {
    cancel?.();
  }
}

/** A config is at most 16 MiB, and some answers have two. */
const MAX_ANSWER_BYTES = 64 * 1_024 * 1_024;

function openRequest(call: AdminCall, { url, token, ca }: AdminOptions): ClientRequest {
  const target = new URL(`${url}/api/v1/${call.path.map(encodeURIComponent).join("/")}`);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) target.searchParams.set(name, value);
  }
  const options: RequestOptions = { method: call.method, headers: headersOf(call, token), agent: false };
  if (target.protocol === "http:") return httpRequest(target, options);
  return httpsRequest(target, ca === undefined ? options : { ...options, ca });
}

function headersOf({ body, ifMatch }: AdminCall, token: string | undefined): Record<string, string | number> {
  return {
    accept: "application/json, application/problem+json, application/yaml",
    "user-agent": `signalbox-cli/${VERSION}`,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(ifMatch !== undefined && { "if-match": ifMatch }),
    ...(body !== undefined && { "content-type": body.type, "content-length": Buffer.byteLength(body.text) }),
  };
}

async function exchange(request: ClientRequest, body: AdminRequestBody | undefined): Promise<AdminAnswer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.on("error", reject);
    request.end(body?.text);
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response.iterator({ destroyOnReturn: true })) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error("the answer is larger than 64 MiB");
    chunks.push(chunk);
  }
  return readAnswer(response.statusCode ?? 0, response.headers["content-type"] ?? "", Buffer.concat(chunks).toString());
}

/** The fault of a call that took too long. */
function timedOut(after: string): Error {
  return Object.assign(new Error(`no answer within ${after}`), { code: "SIGNALBOX_TIMEOUT" });
}

/** From what node:http, node:https and the sockets below them say. */
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
  return code.startsWith("HPE_") ? "it does not answer in HTTP/1" : undefined;
}

function hintFor(code: string, isTls: boolean): string {
  if (code === "SIGNALBOX_TIMEOUT") return "is it the admin listener (node.listen.admin)? --timeout waits longer";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "the name is not known; name another node with --url or SIGNALBOX_URL";
  if (/CERT|SIGNATURE|ISSUER/u.test(code)) return "--ca <file> names the authority that signed its certificate";
  if (isTls && (code === "EPROTO" || code.startsWith("ERR_SSL")))
    return "it seems to speak without TLS (write http://), or wants a certificate";
  if (!isTls && (code === "ECONNRESET" || code.startsWith("HPE_"))) {
    return "what listens there does not speak HTTP/1: if that is TLS write https://; the admin listener is node.listen.admin";
  }
  return "start a node with signalbox run, or name another one with --url or SIGNALBOX_URL; the port is node.listen.admin";
}

/** Of several addresses that were tried, the first one's. */
function codeOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return codeOf(cause.errors[0]);
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
