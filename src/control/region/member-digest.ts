import { createHash } from "node:crypto";

/**
 * A digest of who is there, in whatever order they came: two that see the same members have the
 * same one. Adding and taking away cost the same however many there are.
 */
export class MemberDigest {
  #high = 0;
  #low = 0;

  /** Adds what is not in it, or takes away what is. */
  toggle(id: string): void {
    const hash = createHash("sha256").update(id).digest();
    this.#high = (this.#high ^ hash.readUInt32BE(0)) >>> 0;
    this.#low = (this.#low ^ hash.readUInt32BE(4)) >>> 0;
  }

  /** 16 hexadecimal digits. */
  get text(): string {
    return this.#high.toString(16).padStart(8, "0") + this.#low.toString(16).padStart(8, "0");
  }
}
