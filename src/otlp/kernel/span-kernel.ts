import { WASM_PAGE_BYTES, wasmMemoryOf } from "../../core/arena/wasm-memory.ts";
import { type AskedExports, AskedKernel } from "./asked-kernel.ts";
import { SPAN_KERNEL } from "./span-kernel-code.ts";
import { NOT_PLAIN, type SpanThreshold } from "./span-threshold.ts";
import type { Envelope } from "../scan.ts";

/** What the kernel exports: span-kernel.as.ts says what each does. */
interface Exports extends AskedExports {
  init(page: number): void;
  measure(
    from: number,
    end: number,
    hi: number,
    lo: number,
    markBytes: number,
    untilNote: number,
    listed: number,
  ): number;
  write(
    from: number,
    end: number,
    hi: number,
    lo: number,
    markBytes: number,
    listed: number,
    bytes: number,
    out: number,
  ): number;
  move(to: number, from: number, end: number): number;
  markAll(
    resources: number,
    hi: number,
    lo: number,
    markBytes: number,
    untilNote: number,
    from: number,
    to: number,
  ): number;
}

/** Where in its page the mark is, and where the randomness of spans that are looked at. */
const [MARK_AT, NOTES_AT, NOTES_END] = [64, 1_024, 16_384] as const;
const MOST_MARKED = NOTES_AT - MARK_AT;
/** Where it is told places of resources, and tells of which resource a noted span is. */
const [PLACES_AT, MOST_PLACES, NOTED_OF] = [NOTES_END, 1_024, 512] as const;
/** Bytes of marks that `markAll` writes. */
const [LEAST_MARK, LONGEST_MARK] = [8, 16] as const;
/** What it tells in its page, four bytes each. */
const [KEPT, DROPPED, ROOTS, SPAN_BYTES, UNTIL_NOTE, NOTES, LISTED] = [0, 1, 2, 3, 4, 5, 6] as const;

/**
 * Keeps those spans of a resource that reach a threshold, and marks them, by WebAssembly: where all
 * of them are of one class, and plain (nobody has said anything of sampling, the trace id comes
 * first). One for each memory, with the page behind it for what is told; positions are of that
 * memory. Measured beside the same in TypeScript: see decision 43.
 */
export class SpanKernel {
  /** So many spans until the next of which the randomness is told: one in 64. */
  #untilNote = 64;
  /** Of the resource that was measured last. */
  kept = 0;
  dropped = 0;
  /** Of all its spans: those that begin a trace, and their bytes without tags and lengths. */
  roots = 0;
  spanBytes = 0;
  /** Scopes of the request's resources so far: their lengths are listed. */
  listed = 0;
  /** All of its memory. */
  readonly buffer: ArrayBuffer;
  /** The part of it that asks rules. */
  readonly asked: AskedKernel;
  readonly #exports: Exports;
  readonly #mark: Uint8Array;
  readonly #told: Int32Array;
  readonly #notes: Uint32Array;
  readonly #places: Uint32Array;
  readonly #notedOf: Uint32Array;
  #marked: Uint8Array | undefined;

  constructor(buffer: ArrayBuffer, exports: Exports) {
    const page = buffer.byteLength - 2 * WASM_PAGE_BYTES;
    this.buffer = buffer;
    this.#exports = exports;
    this.#told = new Int32Array(buffer, page, MARK_AT / 4);
    this.#mark = new Uint8Array(buffer, page + MARK_AT, MOST_MARKED);
    this.#notes = new Uint32Array(buffer, page + NOTES_AT, (NOTES_END - NOTES_AT) / 4);
    this.#places = new Uint32Array(buffer, page + PLACES_AT, 2 * MOST_PLACES);
    this.#notedOf = new Uint32Array(buffer, page + NOTED_OF, (NOTES_AT - NOTED_OF) / 4);
    exports.init(page);
    this.asked = new AskedKernel(buffer, page + WASM_PAGE_BYTES, this.#notes, exports);
  }

  /**
   * How many bytes the resource_x message in [from, end) has afterwards, or NOT_PLAIN. The
   * envelope has been found well-formed; spans are checked.
   */
  measure(from: number, end: number, { hi, lo, mark }: SpanThreshold): number {
    const bytes = this.#exports.measure(from, end, hi, lo, mark.length, this.#untilNote, this.listed);
    if (bytes === NOT_PLAIN) return NOT_PLAIN;
    const told = this.#told;
    this.kept = told[KEPT]!;
    this.dropped = told[DROPPED]!;
    this.roots = told[ROOTS]!;
    this.spanBytes = told[SPAN_BYTES]!;
    this.#untilNote = told[UNTIL_NOTE]!;
    this.listed = told[LISTED]!;
    return bytes;
  }

  /**
   * Writes the resource that `measure` measured to `out`, with its tag and length, and gives the
   * place after it. The list of its scopes begins at `listed`; its message has `bytes` then.
   */
  write(
    from: number,
    end: number,
    { hi, lo, mark }: SpanThreshold,
    listed: number,
    bytes: number,
    out: number,
  ): number {
    this.#setMark(mark);
    return this.#exports.write(from, end, hi, lo, mark.length, listed, bytes, out) >>> 0; // it comes signed
  }

  /** Copies [from, end) to `out`, which may lie before it and over it; the place after it. */
  move(from: number, end: number, out: number): number {
    return this.#exports.move(out, from, end) >>> 0;
  }

  /**
   * Marks all spans of a well-formed request that is resources and nothing else: where it is, so
   * that it begins `more` bytes earlier; each has the mark's bytes more then, and nothing else has.
   * False: it is as it was, for some are not kept, or not as encoders write most of them.
   */
  markAll(envelope: Envelope, { hi, lo, mark }: SpanThreshold, more: number): boolean {
    const { resources, bodyStart, end } = envelope;
    const { byteOffset } = envelope.bytes;
    if (resources > MOST_PLACES || mark.length < LEAST_MARK || mark.length > LONGEST_MARK) return false;
    this.#setMark(mark);
    for (let r = 0; r < resources; r++) {
      this.#places[2 * r] = byteOffset + bodyStart[r]!;
      this.#places[2 * r + 1] = byteOffset + end[r]!;
    }
    const to = byteOffset - more;
    if (this.#exports.markAll(resources, hi, lo, mark.length, this.#untilNote, byteOffset, to) === 0) return false;
    this.roots = this.#told[ROOTS]!;
    this.spanBytes = this.#told[SPAN_BYTES]!;
    this.#untilNote = this.#told[UNTIL_NOTE]!;
    return true;
  }

  #setMark(mark: Uint8Array): void {
    if (this.#marked !== mark) this.#mark.set(mark);
    this.#marked = mark;
  }

  /** Of which resource it is, where all were marked. */
  noteOf(note: number): number {
    return this.#notedOf[note]!;
  }

  /** How many of the spans of the resource that was measured last have their randomness told. */
  get notes(): number {
    return this.#told[NOTES]!;
  }

  /** The upper 24 bits of one of them. */
  noteHi(note: number): number {
    return this.#notes[2 * note]!;
  }

  /** And the lower 32. */
  noteLo(note: number): number {
    return this.#notes[2 * note + 1]!;
  }
}

let compiled: WebAssembly.Module | undefined;

/** Undefined: the processor has no SIMD for it, as those of before 2008. */
function compile(): WebAssembly.Module | undefined {
  const code = Uint8Array.from(atob(SPAN_KERNEL), (char) => char.charCodeAt(0));
  return WebAssembly.validate(code) ? new WebAssembly.Module(code) : undefined;
}

const kernels = new WeakMap<ArrayBufferLike, SpanKernel>();

/** The kernel for a memory; undefined: WebAssembly cannot work in it. */
export function spanKernelOf(buffer: ArrayBufferLike): SpanKernel | undefined {
  const known = kernels.get(buffer);
  if (known !== undefined) return known;
  const memory = wasmMemoryOf(buffer);
  if (memory === undefined) return undefined;
  compiled ??= compile();
  if (compiled === undefined) return undefined;
  // What it exports is what its source, beside this file, says.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const exports = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Exports;
  const kernel = new SpanKernel(memory.buffer, exports);
  kernels.set(buffer, kernel);
  return kernel;
}
