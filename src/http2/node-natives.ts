import type { Http2Session, Http2Stream } from "node:http2";

/*
 * A stream of node:http2 that is given up while a header block of it has begun and not ended keeps
 * the fields that came. Its native part goes in a later turn of the loop, or by garbage collection
 * when bytes of it are still on their way to the socket. If that of its session is collected first,
 * node ends the process: `Assertion failed: (current_nghttp2_memory_) == (0)`, in ~Http2Session of
 * src/node_http2.cc (the rest of CVE-2024-27983). A peer can bring that about at will. So the
 * native part of a session is kept here until those of its streams are gone. Node shows it only by
 * a symbol; a version without it is told by test/transport/unfinished-headers.test.ts.
 */

/** Holds the native part of a session for as long as the one of a stream of it is there. */
const keptFor = new FinalizationRegistry<object>(() => undefined);
let symbol: symbol | undefined;

/** Call it when the session is connected. */
export function keepNative(session: Http2Session): void {
  symbol ??= Object.getOwnPropertySymbols(session).find(({ description }) => description === "kHandle");
  const native = nativeOf(session);
  if (native === undefined) return;
  // Streams that ended with it are freed before the callbacks of `setImmediate` run.
  session.once("close", () => setImmediate(letGo, native));
}

/** Call it for each stream of a session that is kept. */
export function keepNativeFor(stream: Http2Stream): void {
  const native = nativeOf(stream);
  const session = stream.session;
  const owner = session === undefined ? undefined : nativeOf(session);
  if (native !== undefined && owner !== undefined) keptFor.register(native, owner);
}

function nativeOf(part: Http2Session | Http2Stream): object | undefined {
  if (symbol === undefined) return undefined;
  const native: unknown = Reflect.get(part, symbol);
  return typeof native === "object" && native !== null ? native : undefined;
}

function letGo(_native: object): void {}
