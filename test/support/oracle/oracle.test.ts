import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { SIGNALS } from "../../../src/otlp/signal.ts";
import { arbitraryRequest } from "./arbitraries.ts";
import { decodeRequest, encodeRequest } from "./oracle.ts";
import { arbitraryEncoding } from "./scramble.ts";

for (const signal of SIGNALS) {
  test(`oracle: a request of ${signal} survives encoding and decoding`, () => {
    fc.assert(
      fc.property(arbitraryRequest(signal), (plain) => {
        assert.deepEqual(decodeRequest(signal, encodeRequest(signal, plain)), plain);
      }),
    );
  });
  test(`oracle: a scrambled encoding of ${signal} means what it was made from`, () => {
    fc.assert(
      fc.property(arbitraryEncoding(signal), ({ bytes, plain }) => {
        assert.deepEqual(decodeRequest(signal, bytes), plain);
      }),
    );
  });
}
