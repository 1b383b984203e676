import type { Socket } from "node:net";
import type { buildConnector } from "undici";
import { joinOwned } from "../../core/bytes.ts";
import { withOneLength } from "./reply-lengths.ts";

/** More interim replies before one answer, or a longer one, are left to undici, which ends the connection. */
const MAX_INTERIM = 32;
const MAX_HEAD_BYTES = 16_384;
const ONE = 0x31;
const STATUS_AT = "HTTP/1.1 ".length;
const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d/u;
const BEGINNING = "HTTP/1.";
const END = "\r\n\r\n";

/** Connections on which interim replies are passed over, but over HTTP/2, where undici does so itself; `also` sees them before. */
export function passingOver(
  connect: buildConnector.connector,
  also: (socket: Socket) => Socket = (socket) => socket,
): buildConnector.connector {
  return (options, done) => {
    connect(options, (...result) => {
      const [error, socket] = result;
      if (error !== null) done(error, null);
      else if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") done(null, socket);
      else done(null, passOverInterim(also(socket)));
    });
  };
}

/**
 * Lets a socket pass over interim replies (RFC 9110, 15.2), but for 101: undici takes a 100 that it did not ask for, as some servers
 * and proxies send to every request with a body, for the end of the connection. undici has one request at a time on a connection, so
 * what is read first after something was written begins a reply.
 */
function passOverInterim(socket: Socket): Socket {
  const read = socket.read.bind(socket);
  let written = -1;
  let atHead = true;
  let passed = 0;
  let held: Buffer | undefined;
  Reflect.set(socket, "read", (size?: number): unknown => {
    for (;;) {
      const chunk: unknown = read(size);
      if (!Buffer.isBuffer(chunk)) return chunk;
      if (socket.bytesWritten !== written) {
        written = socket.bytesWritten;
        atHead = true;
        passed = 0;
      }
      if (!atHead) return chunk;
      let bytes = held === undefined ? chunk : joinOwned([held, chunk]);
      held = undefined;
      for (;;) {
        const found = interimEnd(bytes);
        if (found === "more") {
          held = bytes;
          break;
        }
        if (found === 0 || passed === MAX_INTERIM) {
          const whole = wholeHead(bytes);
          atHead = whole === undefined;
          if (whole !== undefined) return whole;
          held = bytes;
          break;
        }
        passed++;
        bytes = bytes.subarray(found);
        if (bytes.length === 0) break;
      }
    }
  });
  return socket;
}

/** What undici is to read, undefined while the head is not whole; what can be no head is for undici to judge, at once. */
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
