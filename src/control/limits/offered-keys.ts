import type { KeyAsk } from "../../plan/limits/limit-ask.ts";
import { LIMIT_LEASE_MS } from "./limit-desk.ts";

interface Noted {
  readonly keys: readonly Pick<KeyAsk, "key" | "wanted">[];
  readonly atMs: number;
}

/** What holders say is offered of keys, until they are silent for the time of a lease. */
export class OfferedKeys {
  readonly #holders = new Map<string, Noted>();

  note(holder: string, keys: Noted["keys"], nowMs: number): void {
    this.#holders.set(holder, { keys, atMs: nowMs });
  }

  forget(holder: string): void {
    this.#holders.delete(holder);
  }

  /** Of all holders together. */
  sums(nowMs: number): [key: string, offered: number][] {
    const sums = new Map<string, number>();
    for (const [holder, { keys, atMs }] of this.#holders) {
      if (nowMs - atMs > LIMIT_LEASE_MS) this.#holders.delete(holder);
      else for (const { key, wanted } of keys) sums.set(key, (sums.get(key) ?? 0) + wanted);
    }
    return [...sums];
  }
}
