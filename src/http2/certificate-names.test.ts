import assert from "node:assert/strict";
import { test } from "node:test";
import { namesIn } from "./certificate-names.ts";

const cases = [
  { text: "", names: [] },
  { text: "DNS:node-1", names: ["node-1"] },
  { text: "DNS:node-1, IP Address:10.0.0.7, URI:spiffe://fleet/node-1", names: ["node-1", "spiffe://fleet/node-1"] },
  { text: "IP Address:10.0.0.7", names: [] },
  // Node escapes what would look like another entry (CVE-2021-44532).
  { text: 'URI:"http://a/, DNS:node-1", DNS:b', names: ["http://a/, DNS:node-1", "b"] },
  { text: 'DNS:"a\\"b", DNS:c', names: ['a"b', "c"] },
  { text: 'DNS:a, DNS:"b', names: [] },
  { text: "othername:<unsupported>, DNS:c", names: ["c"] },
] as const;

for (const { text, names } of cases) {
  test(`names of a certificate: ${text === "" ? "none" : text}`, () => assert.deepEqual(namesIn(text), names));
}
