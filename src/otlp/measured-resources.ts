import type { SpanKernel } from "./kernel/span-kernel.ts";
import type { SpanThreshold } from "./kernel/span-threshold.ts";

/** How resources of a request were measured by the kernel, in order, so that it can write them. */
export class MeasuredResources {
  /** A number: spans were asked, and their verdicts begin there. */
  readonly #how: (SpanThreshold | number)[] = [];
  /** What messages of resources have afterwards, and where lists of their scopes begin. */
  readonly #bytes: number[] = [];
  readonly #listed: number[] = [];
  #count = 0;
  #written = 0;

  begin(): void {
    this.#count = this.#written = 0;
  }

  add(bytes: number, listed: number, how: SpanThreshold | number): void {
    const i = this.#count++;
    this.#how[i] = how;
    this.#bytes[i] = bytes;
    this.#listed[i] = listed;
  }

  /** Writes the next one, whose message is [from, end), with its tag; gives the place after it. */
  writeNext(kernel: SpanKernel, from: number, end: number, to: number): number {
    const i = this.#written++;
    const how = this.#how[i]!;
    const bytes = this.#bytes[i]!;
    const listed = this.#listed[i]!;
    return typeof how === "number"
      ? kernel.asked.write(from, end, listed, how, bytes, to)
      : kernel.write(from, end, how, listed, bytes, to);
  }
}
