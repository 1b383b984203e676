import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Cancel, Clock } from "../../core/clock.ts";
import { formatDuration } from "../../core/units.ts";
import { VERSION } from "../../core/version.ts";
import { type AdminAnswer, readAnswer } from "./answer.ts";
import type { AdminOptions } from "./options.ts";
import { timedOut, whyUnreachable } from "./unreachable.ts";

/** One call of the admin API. */
export interface AdminCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Segments, not yet encoded: `["rules", id]` is /api/v1/rules/{id}. */
  readonly path: readonly string[];
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: AdminBody;
  /** An entity tag: readIfMatch. */
  readonly ifMatch?: string | undefined;
}

export interface AdminBody {
  readonly type: "application/json" | "application/yaml";
  readonly text: string;
}

/** Calls the admin API once, on a connection of its own. Never rejects: what goes wrong is an answer. */
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
    return { kind: "unreachable", ...whyUnreachable(cause, options.url) };
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

async function exchange(request: ClientRequest, body: AdminBody | undefined): Promise<AdminAnswer> {
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
