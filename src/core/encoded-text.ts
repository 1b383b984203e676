/** A text in UTF-8, for as long as it is read: until it is disposed of, once. */
interface EncodedText extends Disposable {
  readonly bytes: Uint8Array;
}

/** Of texts that are encoded at each use. */
const SHORT = 65_536;
/** Of bytes beyond one for each unit, for texts of which nearly all is ASCII. */
const ROOM = 4_096;
/** What a character takes at the most. */
const CHARACTER_BYTES = 4;

/** A text, and memory that its bytes are the first part of. */
interface Memory {
  buffer: Buffer;
  text: string;
  length: number;
  readers: number;
}

/** For as long as V8 collects nothing: the next change of a document is likely to find it. */
let recent: WeakRef<Memory> | undefined;

/**
 * The text's bytes. A long document is hashed twice and written to two files when it is changed: it
 * is encoded once for all of them, to memory that the document before had.
 */
export function encodeText(text: string): EncodedText {
  if (text.length < SHORT) return { bytes: Buffer.from(text), [Symbol.dispose]: () => undefined };
  const memory = memoryOf(text);
  memory.readers++;
  return {
    bytes: memory.buffer.subarray(0, memory.length),
    [Symbol.dispose]() {
      memory.readers--;
    },
  };
}

function memoryOf(text: string): Memory {
  const known = recent?.deref();
  if (known?.text === text) return known;
  if (known?.readers === 0 && encodeInto(known, text)) return known;
  const made: Memory = { buffer: Buffer.allocUnsafeSlow(text.length + ROOM), text: "", length: 0, readers: 0 };
  if (!encodeInto(made, text)) {
    made.buffer = Buffer.from(text);
    made.length = made.buffer.length;
    made.text = text;
  }
  recent = new WeakRef(made);
  return made;
}

/** False, and nothing is known any more, where there may be no room for all of it. */
function encodeInto(memory: Memory, text: string): boolean {
  memory.text = "";
  memory.length = memory.buffer.write(text);
  if (memory.length > memory.buffer.length - CHARACTER_BYTES) return false;
  memory.text = text;
  return true;
}
