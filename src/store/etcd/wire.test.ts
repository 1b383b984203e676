import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageWriter, readMessage, signed } from "./wire.ts";

function fieldsOf(bytes: Uint8Array): (readonly [number, bigint | string])[] {
  const fields: (readonly [number, bigint | string])[] = [];
  readMessage(bytes, (number, value, body) => {
    fields.push([number, body.length > 0 ? Buffer.from(body).toString("utf8") : value]);
  });
  return fields;
}

for (const value of [1n, 127n, 128n, 2n ** 28n - 1n, 2n ** 28n, 2n ** 53n + 1n, 2n ** 63n - 1n, -1n, -(2n ** 63n)]) {
  test(`wire: ${value} is written and read`, () => {
    const [field] = fieldsOf(new MessageWriter().int(3, value).finish());
    assert.equal(field?.[0], 3);
    assert.equal(signed(field[1] as bigint), value);
  });
}

test("wire: zeros and what is empty are left out, but where a oneof or a message needs them", () => {
  assert.equal(new MessageWriter().int(1, 0).int(2, false).text(3, "").finish().length, 0);
  const writer = new MessageWriter().intEvenZero(1, 0n).message(2, new MessageWriter());
  assert.deepEqual([...writer.finish()], [0x08, 0, 0x12, 0]);
});

test("wire: messages in messages are had as they were written, however deep", () => {
  const text = "x".repeat(300);
  const inner = new MessageWriter().text(1, text).int(2, 7);
  const deep = new MessageWriter().message(3, new MessageWriter().message(2, inner).int(9, 1)).int(4, 5);
  const found: string[] = [];
  readMessage(deep.finish(), (number, value, body) => {
    found.push(`${number} ${value} ${body.length}`);
    if (number === 3) readMessage(body, (n, _, within) => n === 2 && found.push(String(fieldsOf(within))));
  });
  assert.deepEqual(found, [`3 0 ${2 + 3 + inner.finish().length}`, `1,${text},2,7`, "4 5 0"]);
});

test("wire: fields of a fixed width are passed over, also those of numbers above 15", () => {
  const fixed = [0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4];
  const rest = new MessageWriter().text(64, "late").finish();
  assert.deepEqual(fieldsOf(Uint8Array.from([...fixed, ...rest])), [[64, "late"]]);
});

const BROKEN = {
  "a number without an end": [0x08, 0x80],
  "more than there is": [0x12, 5, 1],
  "a group": [0x0b],
  "a number of eleven bytes": [0x08, ...Array.from({ length: 10 }, () => 0x80), 1],
} as const;
for (const [name, bytes] of Object.entries(BROKEN)) {
  test(`wire: ${name} is no protobuf`, () => {
    assert.throws(() => fieldsOf(Uint8Array.from(bytes)), /no protobuf/u);
  });
}
