import { choice, many, message, one, recursive } from "./message.ts";

/** opentelemetry.proto.common.v1 and resource.v1, with the fields that only profiles use. */
const anyValue = recursive("AnyValue");
export const ANY_VALUE = anyValue.message;

export const KEY_VALUE = message(
  "KeyValue",
  one(1, "key", "string"),
  one(2, "value", ANY_VALUE),
  one(3, "keyStrindex", "int32"),
);

anyValue.tell(
  choice(1, "stringValue", "string"),
  choice(2, "boolValue", "bool"),
  choice(3, "intValue", "int64"),
  choice(4, "doubleValue", "double"),
  choice(5, "arrayValue", message("ArrayValue", many(1, "values", ANY_VALUE))),
  choice(6, "kvlistValue", message("KeyValueList", many(1, "values", KEY_VALUE))),
  choice(7, "bytesValue", "bytes"),
  choice(8, "stringValueStrindex", "int32"),
);

export const RESOURCE = message(
  "Resource",
  many(1, "attributes", KEY_VALUE),
  one(2, "droppedAttributesCount", "uint32"),
  many(
    3,
    "entityRefs",
    message(
      "EntityRef",
      one(1, "schemaUrl", "string"),
      one(2, "type", "string"),
      many(3, "idKeys", "string"),
      many(4, "descriptionKeys", "string"),
    ),
  ),
);

export const SCOPE = message(
  "InstrumentationScope",
  one(1, "name", "string"),
  one(2, "version", "string"),
  many(3, "attributes", KEY_VALUE),
  one(4, "droppedAttributesCount", "uint32"),
);
