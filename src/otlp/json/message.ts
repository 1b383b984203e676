import { WIRE_TYPE, WRITE_PACKED, WRITE_SCALAR } from "./scalar.ts";
import type { Presence, ScalarKind, WritePacked, WriteScalar } from "./scalar.ts";

/** A message of OTLP as a table: its fields in ascending order of their numbers. */
export interface Message {
  readonly name: string;
  readonly fields: readonly Field[];
}

/**
 * All fields have all properties, so that the loop over them sees one shape; `kind` says which ones
 * mean something.
 */
export interface Field {
  readonly kind: "scalar" | "scalars" | "packed" | "message" | "messages";
  readonly number: number;
  /** In JSON: lowerCamelCase, the only spelling that OTLP/JSON has. */
  readonly name: string;
  /** One of the fields of which a message has at most one. */
  readonly oneof: boolean;
  readonly presence: Presence;
  /** Of scalars: which, and the wire type of one outside of a packed list. */
  readonly scalar: ScalarKind;
  readonly wire: number;
  readonly write: WriteScalar;
  readonly writePacked: WritePacked;
  readonly message: Message;
  /**
   * For lists of items: how many of what `partial_success` counts are lost with a bad element. Else
   * a bad one fails its parent.
   */
  readonly lost: ((element: unknown) => number) | undefined;
}

const NO_MESSAGE: Message = { name: "", fields: [] };

/** Fields of the same message may name it through `recursive`. */
export function message(name: string, ...fields: readonly Field[]): Message {
  return { name, fields };
}

/** A message whose fields are told once those that it shares a cycle with exist. */
export function recursive(name: string): { readonly message: Message; tell(...fields: readonly Field[]): void } {
  const fields: Field[] = [];
  return { message: { name, fields }, tell: (...told) => void fields.push(...told) };
}

/** A singular field without presence: its default is not written. */
export function one(number: number, name: string, of: ScalarKind | Message): Field {
  return field(number, name, of, {});
}

/** `optional` in the schema: zero is not absent. */
export function optional(number: number, name: string, of: ScalarKind): Field {
  return field(number, name, of, { presence: "explicit" });
}

/** A member of the message's oneof: zero is not absent. */
export function choice(number: number, name: string, of: ScalarKind | Message): Field {
  return field(number, name, of, { presence: "explicit", oneof: true });
}

export function many(number: number, name: string, of: Message | "string"): Field {
  return field(number, name, of, { kind: of === "string" ? "scalars" : "messages", presence: "explicit" });
}

export function packed(number: number, name: string, of: keyof typeof WRITE_PACKED): Field {
  return field(number, name, of, { kind: "packed", writePacked: WRITE_PACKED[of] });
}

/** A list whose bad elements are left out and counted. */
export function items(number: number, name: string, of: Message, lost: (element: unknown) => number): Field {
  return field(number, name, of, { kind: "messages", lost });
}

function field(number: number, name: string, of: ScalarKind | Message, more: Partial<Field>): Field {
  const scalar = typeof of === "string";
  return {
    kind: more.kind ?? (scalar ? "scalar" : "message"),
    number,
    name,
    oneof: more.oneof ?? false,
    presence: more.presence ?? "implicit",
    scalar: scalar ? of : "bool",
    wire: WIRE_TYPE[scalar ? of : "bool"],
    write: WRITE_SCALAR[scalar ? of : "bool"],
    writePacked: more.writePacked ?? WRITE_PACKED.double,
    message: scalar ? NO_MESSAGE : of,
    lost: more.lost,
  };
}
