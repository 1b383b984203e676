const KEY = 0x0a;
const VALUE = 0x12;
/** Of two bytes that are a tag and a length below 128, or a tag and a varint of one byte. */
export const SHORT_BITS = 0x80ff;
/** Of four bytes that are a tag, a length below 128, another tag, and another such length. */
const FORM_BITS = 0x80ff_80ff | 0;

/** Whether these four bytes begin such an attribute: its tag and length, and those of its key. */
export function isKeyed(head: number, tag: number): boolean {
  return (head & FORM_BITS) === ((KEY << 16) | tag);
}

/** The two bytes before a value of so many. */
export function valueOf(bytes: number): number {
  return (bytes << 8) | VALUE;
}

/**
 * The attributes of an item as encoders write them: a key, then a value, both and the whole with
 * lengths of one byte, and nothing else. They are read by two and four bytes at a time, little end
 * first, in loops without calls, so that V8 keeps all it needs in registers. Positions are those of
 * the view; each loop gives the place of the first field that it is not for, which lies behind
 * `end` where the field before does not end in time.
 */
export function afterUnwanted(view: DataView, from: number, end: number, tag: number, lengths: Uint8Array): number {
  const last = (end - 4) | 0;
  let at = from;
  while (at <= last) {
    const head = view.getInt32(at, true);
    const keyBytes = head >>> 24;
    if (!isKeyed(head, tag) || lengths[keyBytes] !== 0) return at;
    const length = (head >>> 8) & 0xff;
    const valueBytes = (length - keyBytes - 4) | 0;
    const to = (at + 2 + length) | 0;
    if (to > end || valueBytes < 0) return at;
    if (view.getUint16((at + 4 + keyBytes) | 0, true) !== valueOf(valueBytes)) return at;
    at = to;
  }
  return at;
}

/** After all fields of this tag whose lengths have one byte, whatever is in them. */
export function afterShort(view: DataView, from: number, end: number, tag: number): number {
  const last = (end - 2) | 0;
  let at = from;
  while (at <= last) {
    const head = view.getUint16(at, true);
    if ((head & SHORT_BITS) !== tag) return at;
    at = (at + 2 + (head >>> 8)) | 0;
  }
  return at;
}
