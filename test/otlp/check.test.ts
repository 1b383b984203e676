import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { test } from "node:test";
import * as fc from "fast-check";
import { findMalformed } from "../../src/otlp/check.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import { SIGNALS } from "../../src/otlp/signal.ts";
import { decodeRequest } from "../support/oracle/oracle.ts";
import { arbitraryEncoding } from "../support/oracle/scramble.ts";

for (const signal of SIGNALS) {
  test(`check ${signal}: what a full decode takes is taken, whatever the encoding`, () => {
    const property = fc.property(arbitraryEncoding(signal), ({ bytes }) =>
      assert.equal(findMalformed(signal, bytes), -1),
    );
    fc.assert(property, { numRuns: 300 });
  });

  test(`check ${signal}: a request with broken bytes is found malformed whenever a full decode fails`, () => {
    const breaks = fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
      minLength: 1,
      maxLength: 3,
    });
    let broken = 0;
    fc.assert(
      fc.property(arbitraryEncoding(signal), breaks, fc.nat(), ({ bytes }, changes, cut) => {
        if (bytes.length === 0) return;
        const copy = Buffer.from(bytes.subarray(0, cut % 4 === 0 ? cut % bytes.length : bytes.length));
        for (const { at, byte } of changes) if (copy.length > 0) copy[at % copy.length] = byte;
        if (decodes(signal, copy)) return;
        broken++;
        assert.notEqual(findMalformed(signal, copy), -1, copy.toString("hex"));
      }),
      { numRuns: 600 },
    );
    assert.ok(broken > 50, `only ${broken} of the requests were broken`);
  });

  test(`check ${signal}: any bytes end the walk, and what the check takes the scan takes`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        if (findMalformed(signal, bytes) === -1) assert.ok(scanEnvelope(signal, bytes, new Envelope()));
      }),
      { numRuns: 1_200 },
    );
  });
}

function decodes(signal: (typeof SIGNALS)[number], bytes: Uint8Array): boolean {
  try {
    decodeRequest(signal, bytes);
    return true;
  } catch {
    return false;
  }
}

test("check: a text that is not UTF-8 is malformed, at any length", () => {
  for (const length of [1, 8, 40, 100]) {
    const url = Buffer.alloc(length, 0x61);
    url[length - 1] = 0xff;
    assert.equal(isUtf8(url), false);
    const resource = Buffer.concat([Buffer.from([0x1a, length]), url]); // schema_url
    assert.notEqual(findMalformed("traces", Buffer.concat([Buffer.from([0x0a, resource.length]), resource])), -1);
  }
});

test("check: messages and groups share one limit of depth, as in the common decoders", () => {
  const groups = (depth: number): Buffer => Buffer.concat([Buffer.alloc(depth, 0x7b), Buffer.alloc(depth, 0x7c)]);
  const below = (messages: number, inner: Buffer): Buffer => {
    let body = inner; // resource_spans, resource, attributes, value; then array_value and values in turn
    for (let i = messages; i > 4; i--) body = field(i % 2 === 0 ? 0x0a : 0x2a, body);
    return [0x0a, 0x0a, 0x0a, 0x12].toReversed().reduce((all, tag) => field(tag, all), body);
  };
  assert.equal(findMalformed("traces", groups(100)), -1);
  assert.notEqual(findMalformed("traces", groups(101)), -1);
  assert.equal(findMalformed("traces", below(50, groups(50))), -1);
  assert.notEqual(findMalformed("traces", below(50, groups(51))), -1);
});

test("check: tags and lengths of more than five bytes are malformed, whatever their value", () => {
  assert.equal(findMalformed("traces", Buffer.from("f88080800001", "hex")), -1);
  assert.notEqual(findMalformed("traces", Buffer.from("f8808080800001", "hex")), -1);
  assert.equal(findMalformed("traces", Buffer.from("7a818080800001", "hex")), -1);
  assert.notEqual(findMalformed("traces", Buffer.from("7a81808080800001", "hex")), -1);
});

function field(tag: number, body: Buffer): Buffer {
  const length = body.length < 0x80 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}
