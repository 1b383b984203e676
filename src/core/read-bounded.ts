import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { formatSize } from "./units.ts";

/** A pipe or a device tells no size: it is read in steps of this, in bytes. */
const STEP = 65_536;

/**
 * The bytes of a file, pipes and devices too, of which never more than `maxBytes` are read. Throws
 * what the system says, or an Error when there are more.
 */
export function readBounded(path: string, maxBytes: number): Buffer {
  const file = openSync(path, "r");
  try {
    const bytes = new BoundedBytes(maxBytes, fstatSync(file).size);
    for (;;) {
      const step = Buffer.allocUnsafe(STEP);
      const read = readSync(file, step);
      if (read === 0) return bytes.whole();
      bytes.add(step.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}

/** As `readBounded`, without a wait of the loop. Rejects as it throws. */
export async function readBoundedLater(path: string, maxBytes: number): Promise<Buffer> {
  await using file = await open(path);
  const bytes = new BoundedBytes(maxBytes, (await file.stat()).size);
  for (;;) {
    const step = Buffer.allocUnsafe(STEP);
    const { bytesRead } = await file.read(step);
    if (bytesRead === 0) return bytes.whole();
    bytes.add(step.subarray(0, bytesRead));
  }
}

class BoundedBytes {
  readonly #maxBytes: number;
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number, toldBytes: number) {
    this.#maxBytes = maxBytes;
    this.#check(toldBytes);
  }

  add(part: Buffer): void {
    this.#bytes += part.length;
    this.#check(this.#bytes);
    this.#parts.push(part);
  }

  whole(): Buffer {
    return Buffer.concat(this.#parts, this.#bytes);
  }

  #check(bytes: number): void {
    if (bytes > this.#maxBytes) throw new Error(`the file is larger than ${formatSize(this.#maxBytes)}`);
  }
}
