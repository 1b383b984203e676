import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { problemReply } from "./problem-details.ts";
import type { AdminBody, AdminReply, BodySpec, BodyType } from "./route.ts";

/** Bytes of bodies that are being read at the same time, at most. */
const MAX_READING_BYTES = 64 * 1_024 * 1_024;
/** A body has to be there within this. */
export const BODY_DEADLINE_MS = 20_000;

export type BodyResult =
  | { readonly ok: true; readonly body: AdminBody | undefined }
  | { readonly ok: false; readonly reply: AdminReply };

/** Reads bodies: what is said of one is looked at before the first byte is read, and it is held to what was said. */
export class BodyReader {
  readonly #clock: Clock;
  #reading = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async read(request: IncomingMessage, response: ServerResponse, spec: BodySpec): Promise<BodyResult> {
    const head = checkHead(request, spec);
    if ("status" in head) return { ok: false, reply: head };
    if (head.type === undefined) return { ok: true, body: undefined };
    if (this.#reading + head.maxBytes > MAX_READING_BYTES) {
      const headers = { "retry-after": "1" };
      return refused(503, "too many bodies are being read; try again in a moment", headers);
    }
    this.#reading += head.maxBytes;
    try {
      if (request.headers.expect !== undefined) response.writeContinue();
      return await this.#readText(request, head.type, head.maxBytes);
    } finally {
      this.#reading -= head.maxBytes;
    }
  }

  async #readText(request: IncomingMessage, type: BodyType, maxBytes: number): Promise<BodyResult> {
    const ended = Promise.withResolvers<"whole" | "too_large" | "late" | "broken">();
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) ended.resolve("too_large");
      else chunks.push(chunk);
    };
    const cancel = this.#clock.after(BODY_DEADLINE_MS, () => ended.resolve("late"));
    request.on("data", onData);
    request.once("end", () => ended.resolve("whole"));
    request.once("close", () => ended.resolve("broken"));
    const end = await ended.promise;
    cancel();
    request.off("data", onData);
    if (end === "too_large") return tooLarge(maxBytes);
    if (end === "late") return refused(408, `the body did not come within ${BODY_DEADLINE_MS / 1_000} seconds`);
    if (end === "broken") return refused(400, "the connection ended before the body did");
    return decode(Buffer.concat(chunks), type);
  }
}

const TYPES: Readonly<Record<string, BodyType>> = {
  "application/json": "json",
  "application/yaml": "yaml",
  "application/x-yaml": "yaml",
  "text/yaml": "yaml",
};

/** `maxBytes` is what it may have, or has: the room to set aside. */
function checkHead(
  { headers }: IncomingMessage,
  spec: BodySpec,
): AdminReply | { readonly type: BodyType | undefined; readonly maxBytes: number } {
  const length = headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
  const isEmpty = headers["transfer-encoding"] === undefined && (length ?? 0) === 0;
  if (isEmpty) {
    return spec.required ? problemReply(400, "this needs a body") : { type: undefined, maxBytes: 0 };
  }
  const [name = "", ...parameters] = (headers["content-type"] ?? "")
    .split(";")
    .map((part) => part.trim().toLowerCase());
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  const charset = parameters.find((part) => part.startsWith("charset="))?.replace(/^charset=|"/gu, "");
  if (type === undefined || !spec.types.includes(type) || (charset ?? "utf-8") !== "utf-8") {
    const wanted = spec.types.map((known) => `application/${known}`).join(" or ");
    return problemReply(415, `send ${wanted}, in UTF-8`);
  }
  if ((headers["content-encoding"] ?? "identity") !== "identity") return problemReply(415, "send it uncompressed");
  if (length !== undefined && length > spec.maxBytes) return tooLarge(spec.maxBytes).reply;
  return { type, maxBytes: length ?? spec.maxBytes };
}

function decode(bytes: Buffer, type: BodyType): BodyResult {
  try {
    return { ok: true, body: { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), type } };
  } catch {
    return refused(400, "the body is not UTF-8");
  }
}

function tooLarge(maxBytes: number): { readonly ok: false; readonly reply: AdminReply } {
  return refused(413, `the body may have ${maxBytes} bytes`);
}

function refused(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): { readonly ok: false; readonly reply: AdminReply } {
  return { ok: false, reply: problemReply(status, detail, { headers }) };
}
