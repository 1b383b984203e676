import type { Cancel } from "../../../core/clock.ts";
import type { Backpressure } from "../../port.ts";

/**
 * Credit that one connection owes its peer because there was no room. All of it is given at once
 * when there is.
 */
export class OwedCredit {
  readonly #pressure: Backpressure;
  readonly #give: (owed: ReadonlyMap<number, number>) => void;
  #owed = new Map<number, number>();
  #cancel: Cancel | undefined;

  /** `give` gets bytes by stream. */
  constructor(pressure: Backpressure, give: (owed: ReadonlyMap<number, number>) => void) {
    this.#pressure = pressure;
    this.#give = give;
  }

  /** True: there is no room, and the credit will be given later. */
  keep(stream: number, bytes: number): boolean {
    if (!this.#pressure.full) return false;
    this.#owed.set(stream, (this.#owed.get(stream) ?? 0) + bytes);
    this.#cancel ??= this.#pressure.onceRoom(() => this.#settle());
    return true;
  }

  /** The connection is closed: nothing is owed any more. */
  cancel(): void {
    this.#cancel?.();
    this.#owed.clear();
  }

  #settle(): void {
    const owed = this.#owed;
    this.#owed = new Map();
    this.#cancel = undefined;
    this.#give(owed);
  }
}
