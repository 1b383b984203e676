import type { Socket } from "node:net";
import type { buildConnector } from "undici";
import { joinOwned } from "../../core/bytes.ts";
import { withOneLength } from "./reply-lengths.ts";

/**
 * More interim replies before one answer, or a longer one, are left to undici, which ends the
 * connection.
 */
const MAX_INTERIM = 32;
const MAX_HEAD_BYTES = 16_384;
const ONE = 0x31;
const STATUS_AT = "HTTP/1.1 ".length;
const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d/u;
const BEGINNING = "HTTP/1.";
const END = "\r\n\r\n";

/** Where the final head of a reply is left for whoever waits for it, before undici reads it. */
export interface HeadHolder {
  /** Borrowed: whole, or as much of it as was read before it became too long. */
  head: Buffer | undefined;
}

/** Connections of HTTP/1.1 on which interim replies are passed over; `watch` sees them before. */
export function passingOver(
  connect: buildConnector.connector,
  watch: (socket: Socket) => HeadHolder = () => ({ head: undefined }),
): buildConnector.connector {
  return (options, done) => {
    connect(options, (...result) => {
      const [error, socket] = result;
      if (error !== null) done(error, null);
      else done(null, passOverInterim(socket, watch(socket)));
    });
  };
}

/**
 * Lets a socket pass over interim replies (RFC 9110, 15.2), but for 101: undici takes a 100 that it
 * did not ask for, as some servers and proxies send to every request with a body, for the end of
 * the connection. undici has one request at a time on a connection, so what is read first after
 * something was written begins a reply.
 */
function passOverInterim(socket: Socket, holder: HeadHolder): Socket {
  const read = socket.read.bind(socket);
  const heads = new Heads(holder);
  Reflect.set(socket, "read", (size?: number): unknown => {
    for (;;) {
      const chunk: unknown = read(size);
      if (!Buffer.isBuffer(chunk)) return chunk;
      const passed = heads.pass(chunk, socket.bytesWritten);
      if (passed !== undefined) return passed;
    }
  });
  return socket;
}

/** The heads of the replies on one connection, one after the other. */
class Heads {
  readonly #holder: HeadHolder;
  #written = -1;
  #atHead = true;
  #passed = 0;
  #held: Buffer | undefined;

  constructor(holder: HeadHolder) {
    this.#holder = holder;
  }

  /**
   * What undici is to read of a chunk and of those before it; undefined: more is needed. `written`:
   * so much has been sent.
   */
  pass(chunk: Buffer, written: number): Buffer | undefined {
    if (written !== this.#written) {
      this.#written = written;
      this.#atHead = true;
      this.#passed = 0;
    }
    if (!this.#atHead) return chunk;
    const bytes = this.#held === undefined ? chunk : joinOwned([this.#held, chunk]);
    this.#held = undefined;
    return this.#head(bytes);
  }

  #head(read: Buffer): Buffer | undefined {
    for (let bytes = read; bytes.length > 0; this.#passed++) {
      const found = interimEnd(bytes);
      if (found === "more") {
        this.#held = bytes;
        return undefined;
      }
      if (found === 0 || this.#passed === MAX_INTERIM) return this.#final(bytes);
      bytes = bytes.subarray(found);
    }
    return undefined;
  }

  #final(bytes: Buffer): Buffer | undefined {
    const whole = wholeHead(bytes);
    this.#atHead = whole === undefined;
    if (whole === undefined) this.#held = bytes;
    else this.#holder.head = whole;
    return whole;
  }
}

/**
 * What undici is to read, undefined while the head is not whole; what can be no head is for undici
 * to check, at once.
 */
function wholeHead(bytes: Buffer): Buffer | undefined {
  const end = bytes.indexOf(END);
  if (end >= 0) return withOneLength(bytes, end + END.length);
  const beginning = bytes.toString("latin1", 0, BEGINNING.length);
  const isHead = BEGINNING.startsWith(beginning) && !bytes.includes("\n\n");
  return isHead && bytes.length <= MAX_HEAD_BYTES ? undefined : bytes;
}

/** Where an interim reply at the start ends; 0 when there is none. */
function interimEnd(bytes: Buffer): number | "more" {
  if (bytes.length > STATUS_AT && bytes[STATUS_AT] !== ONE) return 0;
  if (bytes.length < STATUS_AT + 3) return "more";
  if (!INTERIM.test(bytes.toString("latin1", 0, STATUS_AT + 3))) return 0;
  const end = bytes.indexOf(END);
  if (end >= 0) return end + END.length;
  return bytes.length > MAX_HEAD_BYTES ? 0 : "more";
}
