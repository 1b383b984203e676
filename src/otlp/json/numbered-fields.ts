import { textOwned } from "../../core/bytes.ts";
import type { Field, Message } from "./message.ts";

/** A field of a message as protobuf is read: by its number. */
export interface NumberedField {
  readonly field: Field;
  readonly place: number;
  /** `"name":` */
  readonly key: Uint8Array;
  /** Of what is below it; undefined for scalars. */
  readonly fields: NumberedFields | undefined;
}

/** The fields of a message in ascending order of their numbers, and by them. */
export class NumberedFields {
  readonly inOrder: NumberedField[] = [];
  /** Those of which a message has at most one. */
  readonly oneof: NumberedField[] = [];
  readonly byNumber: (NumberedField | undefined)[] = [];
}

/** Of all messages below this one, itself included; a message may be below itself. */
export function numberFields(message: Message, known: Map<Message, NumberedFields>): NumberedFields {
  const before = known.get(message);
  if (before !== undefined) return before;
  const fields = new NumberedFields();
  known.set(message, fields);
  for (const [place, field] of message.fields.entries()) {
    const isMessage = field.kind === "message" || field.kind === "messages";
    const below = isMessage ? numberFields(field.message, known) : undefined;
    const numbered = { field, place, key: textOwned(`${JSON.stringify(field.name)}:`), fields: below };
    fields.inOrder.push(numbered);
    if (field.oneof) fields.oneof.push(numbered);
    fields.byNumber[field.number] = numbered;
  }
  return fields;
}
