import fc from "fast-check";

/** How one field is to be written; what is impossible falls back to a literal. */
export type Choice = "indexed" | "indexing" | "named" | "literal" | "never" | "shrink" | "grow";
export const CLEVER_STEPS = fc.array(
  fc.constantFrom<Choice>("indexed", "indexing", "indexed", "indexing", "named", "literal", "never", "shrink", "grow"),
  { minLength: 1, maxLength: 8 },
);

interface Entry {
  readonly name: string;
  readonly value: string;
}

/**
 * A second HPACK encoder, written from RFC 7541 without a look at ours: any representation at any
 * time, as other implementations have them. Plain strings, no Huffman code, the dynamic table as a
 * list.
 */
export class CleverEncoder {
  #table: Entry[] = [];
  #maxBytes = 4_096;

  encode(headers: readonly string[], choices: readonly Choice[]): Buffer {
    const parts: Buffer[] = [];
    if (choices[0] === "shrink") parts.push(this.#resize(0), this.#resize(100));
    if (choices[0] === "grow") parts.push(this.#resize(4_096));
    for (let i = 0; i < headers.length; i += 2) {
      parts.push(this.#field(headers[i]!, headers[i + 1]!, choices[(i / 2) % choices.length]!));
    }
    return Buffer.concat(parts);
  }

  #field(name: string, value: string, choice: Choice): Buffer {
    const whole = this.#table.findIndex((entry) => entry.name === name && entry.value === value);
    if (choice === "indexed" && whole >= 0) return integer(0x80, 7, 62 + whole);
    const named = this.#table.findIndex((entry) => entry.name === name);
    if (choice === "named" && named >= 0) return Buffer.concat([integer(0, 4, 62 + named), text(value)]);
    if (choice === "never") return Buffer.concat([integer(0x10, 4, 0), text(name), text(value)]);
    if (choice === "literal") return Buffer.concat([integer(0, 4, 0), text(name), text(value)]);
    const head = named >= 0 ? integer(0x40, 6, 62 + named) : Buffer.concat([integer(0x40, 6, 0), text(name)]);
    this.#table.unshift({ name, value });
    this.#evict();
    return Buffer.concat([head, text(value)]);
  }

  #resize(bytes: number): Buffer {
    this.#maxBytes = bytes;
    this.#evict();
    return integer(0x20, 5, bytes);
  }

  #evict(): void {
    const size = (): number => this.#table.reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
    while (size() > this.#maxBytes) this.#table.pop();
  }
}

function integer(pattern: number, bits: number, value: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.of(pattern + value);
  const bytes = [pattern + most];
  let rest = value - most;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.of(...bytes, rest);
}

function text(value: string): Buffer {
  return Buffer.concat([integer(0, 7, value.length), Buffer.from(value, "latin1")]);
}
