import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { problemReply } from "./reply.ts";
import type { AdminBody, AdminReply, BodySpec, BodyType } from "./route.ts";

/** Bytes of bodies that are being read or worked on at the same time, at most. */
const MAX_BYTES = 64 * 1_024 * 1_024;
/** A body has to be there within this. */
export const BODY_DEADLINE_MS = 20_000;

/**
 * A reply to a body that is not read is sent when the sender has ended, or after this: a sender
 * that writes may miss it.
 */
const DISCARD_MS = 1_000;
const MAX_DISCARDED_BYTES = 32 * 1_024 * 1_024;

type BodyResult =
  | { readonly ok: true; readonly body: AdminBody | undefined }
  | { readonly ok: false; readonly reply: AdminReply };

/**
 * Reads bodies: what is said of one is looked at before the first byte is read, and it is held to
 * what was said.
 */
export class BodyReader {
  readonly #clock: Clock;
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The reply of `handle` to the body, or the one that refuses it. The body's bytes are counted
   * until `handle` ends.
   */
  async withBody(
    request: IncomingMessage,
    response: ServerResponse,
    spec: BodySpec,
    handle: (body: AdminBody | undefined) => AdminReply | Promise<AdminReply>,
  ): Promise<AdminReply> {
    const head = checkHead(request, spec);
    if ("status" in head) return head;
    if (head.type === undefined) return handle(undefined);
    if (this.#bytes + head.maxBytes > MAX_BYTES) {
      return problemReply(503, "too many bodies at the same time; try again in a moment", {
        headers: { "retry-after": "1" },
      });
    }
    this.#bytes += head.maxBytes;
    try {
      if (request.headers.expect !== undefined) response.writeContinue();
      const read = await this.#readText(request, head.type, head.maxBytes);
      return read.ok ? await handle(read.body) : read.reply;
    } finally {
      this.#bytes -= head.maxBytes;
    }
  }

  /**
   * Lets the sender end what nobody wants, within bounds: one that still writes may not see an
   * answer.
   */
  async discard(request: IncomingMessage): Promise<void> {
    const ended = Promise.withResolvers<void>();
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_DISCARDED_BYTES) ended.resolve();
    });
    request.once("end", ended.resolve);
    request.once("close", ended.resolve);
    const cancel = this.#clock.after(DISCARD_MS, ended.resolve);
    await ended.promise;
    cancel();
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

function refused(status: number, detail: string): { readonly ok: false; readonly reply: AdminReply } {
  return { ok: false, reply: problemReply(status, detail) };
}
