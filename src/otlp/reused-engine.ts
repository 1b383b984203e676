/**
 * What an engine of node:zlib did with a body in one call: so much was taken of it and written, and
 * `room` is what was left of the place.
 */
type Worked =
  | { readonly ok: true; readonly taken: number; readonly written: number; readonly room: number }
  | { readonly ok: false; readonly error: unknown };

/** A stream of node:zlib, and whether its engine can take the next body without being made new. */
interface EngineKind {
  /** Opened with the smallest chunk, for nobody reads from it. */
  readonly open: () => object;
  /** The flush flag that ends a body. */
  readonly finish: number;
  /** zlib's must be reset. zstd's begins a new frame by itself, and a reset makes it all anew. */
  readonly between: "reset" | "nothing";
}

/**
 * An engine that is kept for one body after the other, all of them done in one call. node:zlib
 * opens one for each body, with tables and windows of up to half a megabyte: of 4 KB of protobuf
 * that is a third of the time with gzip and two thirds to three quarters with zstd
 * (docs/decisions/0038-compression.md).
 */
export class ReusedEngine {
  readonly #kind: EngineKind;
  #engine: NativeEngine | undefined;
  #error: unknown;

  constructor(kind: EngineKind) {
    this.#kind = kind;
  }

  /** Whether this version of node has the fields of a stream that it is worked by. */
  get works(): boolean {
    return this.#opened() !== undefined;
  }

  /**
   * Does all of `body`, as far as there is room in `place`. Only where it `works`. What was not
   * ended well leaves nothing for the next one.
   */
  run(body: Uint8Array, place: Uint8Array): Worked {
    const engine = this.#opened();
    if (engine === undefined) return { ok: false, error: new TypeError("node:zlib has no such engine") };
    const { between, finish } = this.#kind;
    const { handle, state } = engine;
    this.#error = undefined;
    if (between === "reset") handle.reset();
    handle.writeSync(finish, body, 0, body.length, place, 0, place.length);
    const [room = 0, left = 0] = state;
    if (between === "nothing" && (this.#error !== undefined || room === 0)) this.#drop();
    if (this.#error !== undefined) return { ok: false, error: this.#error };
    return { ok: true, taken: body.length - left, written: place.length - room, room };
  }

  #opened(): NativeEngine | undefined {
    if (this.#engine !== undefined) return this.#engine;
    const stream = this.#kind.open();
    const handle: unknown = Reflect.get(stream, FIELDS.handle);
    const state: unknown = Reflect.get(stream, FIELDS.state);
    if (!isHandle(handle) || !(state instanceof Uint32Array) || state.length !== 2) return undefined;
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- what node itself calls of it; it has no events
    handle.onerror = (message, _errno, code) => void (this.#error = Object.assign(new Error(message), { code }));
    this.#engine = { handle, state, stream };
    return this.#engine;
  }

  #drop(): void {
    this.#engine?.handle.close();
    this.#engine = undefined;
  }
}

/** Of a stream: the engine, and where that writes how much room and body is left. */
const FIELDS = { handle: "_handle", state: "_writeState" } as const;

interface NativeEngine {
  readonly handle: NativeHandle;
  readonly state: Uint32Array;
  /** Kept with it: a stream that nobody has is closed with its engine. */
  readonly stream: object;
}

interface NativeHandle {
  writeSync(
    flush: number,
    body: Uint8Array,
    from: number,
    bytes: number,
    place: Uint8Array,
    at: number,
    room: number,
  ): void;
  reset(): void;
  close(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

function isHandle(value: unknown): value is NativeHandle {
  if (typeof value !== "object" || value === null) return false;
  return ["writeSync", "reset", "close"].every((name) => typeof Reflect.get(value, name) === "function");
}
