import assert from "node:assert/strict";
import { test } from "node:test";
import { HpackDecoder } from "../../../src/http2/own/hpack/decoder.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";

/**
 * RFC 7541, appendix C: blocks of one connection, what they decode to, and how much is in the table
 * then.
 */
interface Example {
  readonly name: string;
  readonly tableBytes?: number;
  readonly blocks: readonly { readonly hex: string; readonly fields: string; readonly table: number }[];
}

const C3 = [
  ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com",
  ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache",
  ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value",
] as const;
const REST = "cache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com";
const C5 = [
  `:status: 302\n${REST}`,
  `:status: 307\n${REST}`,
  `:status: 200\n${REST.replace("21 GMT", "22 GMT")}\ncontent-encoding: gzip\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1`,
] as const;

const examples: readonly Example[] = [
  {
    name: "C.2.1: a literal with indexing",
    blocks: [
      { hex: "400a637573746f6d2d6b65790d637573746f6d2d686561646572", fields: "custom-key: custom-header", table: 55 },
    ],
  },
  {
    name: "C.2.2: a literal without indexing",
    blocks: [{ hex: "040c2f73616d706c652f70617468", fields: ":path: /sample/path", table: 0 }],
  },
  {
    name: "C.2.3: a literal never indexed",
    blocks: [{ hex: "100870617373776f726406736563726574", fields: "password: secret", table: 0 }],
  },
  { name: "C.2.4: an indexed field", blocks: [{ hex: "82", fields: ":method: GET", table: 0 }] },
  {
    name: "C.3: requests without Huffman coding",
    blocks: [
      { hex: "828684410f7777772e6578616d706c652e636f6d", fields: C3[0], table: 57 },
      { hex: "828684be58086e6f2d6361636865", fields: C3[1], table: 110 },
      { hex: "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", fields: C3[2], table: 164 },
    ],
  },
  {
    name: "C.4: requests with Huffman coding",
    blocks: [
      { hex: "828684418cf1e3c2e5f23a6ba0ab90f4ff", fields: C3[0], table: 57 },
      { hex: "828684be5886a8eb10649cbf", fields: C3[1], table: 110 },
      { hex: "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", fields: C3[2], table: 164 },
    ],
  },
  {
    name: "C.5: replies without Huffman coding, with evictions",
    tableBytes: 256,
    blocks: [
      {
        hex: "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        fields: C5[0],
        table: 222,
      },
      { hex: "4803333037c1c0bf", fields: C5[1], table: 222 },
      {
        hex: "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
        fields: C5[2],
        table: 215,
      },
    ],
  },
  {
    name: "C.6: replies with Huffman coding, with evictions",
    tableBytes: 256,
    blocks: [
      {
        hex: "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        fields: C5[0],
        table: 222,
      },
      { hex: "4883640effc1c0bf", fields: C5[1], table: 222 },
      {
        hex: "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        fields: C5[2],
        table: 215,
      },
    ],
  },
];

function listOf(fields: string): string[] {
  return fields.split("\n").flatMap((line) => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
}

for (const { name, tableBytes, blocks } of examples) {
  test(`RFC 7541, ${name}`, () => {
    const limits = { maxListBytes: 4_096, maxFields: 20, tableBytes: 4_096 };
    const decoder = new HpackDecoder(limits, tableBytes ?? 4_096, () => true);
    for (const { hex, fields, table } of blocks) {
      const bytes = Buffer.from(hex, "hex");
      const decoded = decoder.decode(bytes, 0, bytes.length);
      assert.deepEqual(decoded?.headers, listOf(fields));
      assert.equal(decoder.table.bytes, table);
    }
  });
}

test("a block that needs no table is encoded as the RFC's examples are", () => {
  assert.equal(Buffer.from(encodeHeaders([":method", "GET"])).toString("hex"), "82");
  assert.equal(
    Buffer.from(encodeHeaders(["password", "secret"], { sensitive: new Set(["password"]) })).toString("hex"),
    "1086ac684783d9278441496153",
  );
});
