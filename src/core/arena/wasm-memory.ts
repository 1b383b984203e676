/** Bytes of a page of WebAssembly. */
export const WASM_PAGE_BYTES = 65_536;
/**
 * So many of them are 3.75 GiB: a place in there and a length that a request claims, which is below
 * 2^28 where the kernel reads it, are together an address of 32 bits.
 */
const MAX_PAGES = 61_440;

const memories = new WeakMap<ArrayBufferLike, WebAssembly.Memory>();

/**
 * Memory in which WebAssembly can work, too, with two pages behind it for what it is told and
 * tells: `wasmMemoryOf` finds it. It never grows, so its buffer stays what it is. Where the system
 * does not give the addresses (a limit on them, or more than 3.75 GiB) it is memory as any other.
 */
export function allocWasmMemory(bytes: number): ArrayBuffer {
  const pages = Math.ceil(bytes / WASM_PAGE_BYTES) + 2;
  try {
    if (pages > MAX_PAGES) return new ArrayBuffer(bytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    memories.set(memory.buffer, memory);
    return memory.buffer;
  } catch (cause) {
    if (cause instanceof RangeError) return new ArrayBuffer(bytes);
    throw cause;
  }
}

export function wasmMemoryOf(buffer: ArrayBufferLike): WebAssembly.Memory | undefined {
  return memories.get(buffer);
}
