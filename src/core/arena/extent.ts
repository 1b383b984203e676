import { allocBody, allocOwned, copyOwned, viewBuffer } from "../bytes.ts";

/**
 * Who keeps bytes where they are: each `retain` is followed by one `release`, after which nobody
 * reads them any more.
 */
export interface BytesOwner {
  /**
   * Whether what is acknowledged stays where it is, which is counted. Else, and where nothing is
   * said, it is copied: it may wait for long.
   */
  stay?(): boolean;
  /** So many bytes of it hold much more than themselves: they are copied out when they wait. */
  isSparse?(bytes: number): boolean;
  /** Borrowed: a view of a range of its bytes, where it has bytes of its own. */
  view?(from: number, to: number): Uint8Array;
  retain(): void;
  release(): void;
}

/**
 * Of bytes that stay for as long as somebody refers to them: the collector of V8 looks after those.
 */
export const OWN_MEMORY: BytesOwner = { retain: () => undefined, release: () => undefined };

/** A place for bytes, with the one `retain` of whoever asked for it. */
export interface Extent extends BytesOwner {
  /** Of the length that was asked for. Another view after `grow` and `trim`. */
  readonly bytes: Buffer;
  stay(): boolean;
  isSparse(bytes: number): boolean;
  view(from: number, to: number): Uint8Array;
}

/** Who reads a body, and was told to wait with the rest of it. */
export interface WaitingReader {
  /** It need not wait any more. */
  goOn(): void;
}

/** What a body is read into. */
export interface BodyMemory {
  /**
   * `whole`: all of it is there. What still comes may come slowly, and is kept apart. Undefined:
   * there is no room now.
   */
  alloc(length: number, whole: boolean): Extent | undefined;
  /**
   * Makes it longer; the first `filled` bytes stay, maybe elsewhere. False: there is no room, and
   * it is as it was.
   */
  grow(extent: Extent, length: number, filled: number): boolean;
  /**
   * Makes it longer at its beginning: what it was is its end then. Undefined: there is no room
   * before it, or it is not from here.
   */
  lengthen?(owner: BytesOwner, length: number): Extent | undefined;
  /** By so many bytes it can become longer there. */
  leadOf?(owner: BytesOwner): number;
  /** Gives back what is behind the first `length` bytes, as far as that is possible. */
  trim(extent: Extent, length: number): void;
}

/** A body of which nobody keeps count: replies, health checks, what tests make. */
export class OwnExtent implements Extent {
  bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  stay(): boolean {
    return false;
  }

  isSparse(): boolean {
    return false;
  }

  view(from: number, to: number): Buffer {
    return viewBuffer(this.bytes, from, to);
  }

  retain(): void {}
  release(): void {}
}

/** Memory behind a body that is kept rather than copied. */
const MAY_WASTE_BYTES = 128;

/** Memory of the process, without a bound. */
export const OWN_BODIES: BodyMemory = {
  alloc: (length, whole) => new OwnExtent(whole ? allocBody(length) : allocOwned(length)),
  grow(extent, length, filled) {
    if (!(extent instanceof OwnExtent)) throw new TypeError("it is not of this memory");
    const { bytes } = extent;
    extent.bytes = allocOwned(length);
    bytes.copy(extent.bytes, 0, 0, filled);
    return true;
  },
  trim(extent, length) {
    if (!(extent instanceof OwnExtent)) return;
    const kept = extent.bytes.subarray(0, length);
    extent.bytes = extent.bytes.length > 2 * length + MAY_WASTE_BYTES ? copyOwned(kept) : kept;
  },
};
