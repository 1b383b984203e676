import { type ReplyFields, readReplyFields } from "../../reply-reader.ts";
import type { HeaderList } from "../contract.ts";
import { headerBlockOf } from "../header-list.ts";

/**
 * Reads heads and trailers of replies, each distinct one once: servers say the same nearly always,
 * and HPACK then gives the same list.
 */
export class ReplyHeads {
  readonly #known = new WeakMap<HeaderList, ReplyFields>();

  read(headers: HeaderList): ReplyFields {
    const known = this.#known.get(headers);
    if (known !== undefined) return known;
    const fields = readReplyFields(headerBlockOf(headers));
    this.#known.set(headers, fields);
    return fields;
  }
}
