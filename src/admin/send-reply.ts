import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { type AdminReply, JSON_TYPE } from "./route.ts";

/** Who takes nothing of a reply for so long, while there is something to take, is cut off. */
export const STALLED_MS = 30_000;

/** Sends a reply that is there as a whole. */
export function sendReply(request: IncomingMessage, response: ServerResponse, reply: AdminReply): void {
  const body = bytesOf(reply.body);
  writeHead(request, response, reply, { "content-length": body.length });
  response.end(request.method === "HEAD" ? undefined : body);
}

/**
 * Sends a reply as it is made, no faster than the client reads. What makes it is told when the
 * client has left, and not asked for more. Rejects with its fault; the client sees its connection
 * end then.
 */
export async function sendChunks(
  request: IncomingMessage,
  response: ServerResponse,
  reply: AdminReply,
  clock: Clock,
): Promise<void> {
  writeHead(request, response, reply, {});
  if (reply.chunks === undefined || request.method === "HEAD") return void response.end();
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    for await (const chunk of reply.chunks(gone.signal)) {
      if (gone.signal.aborted) return;
      if (!response.write(chunk) && !(await room(response, clock))) return;
    }
    response.end();
  } catch (cause) {
    if (gone.signal.aborted) return;
    response.destroy();
    throw cause;
  }
}

/** True when more may be written; false when the client has left, or was cut off. */
function room(response: ServerResponse, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(STALLED_MS, () => response.destroy());
    const end = (isThere: boolean) => (): void => {
      cancel();
      response.off("drain", drained);
      response.off("close", closed);
      resolve(isThere);
    };
    const [drained, closed] = [end(true), end(false)];
    response.once("drain", drained);
    response.once("close", closed);
    if (response.destroyed) closed();
  });
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === "string" ? body : `${JSON.stringify(body, bigintAsText, 2)}\n`);
}

function writeHead(
  request: IncomingMessage,
  response: ServerResponse,
  reply: AdminReply,
  more: Readonly<Record<string, number>>,
): void {
  response.writeHead(reply.status, {
    "content-type": reply.type ?? JSON_TYPE,
    ...more,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // A connection with a body that nobody read to its end is not used again.
    ...(hasBody(request) && !request.complete ? { connection: "close" } : {}),
    ...reply.headers,
  });
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
