import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileOrigin } from "./origin-pattern.ts";

const CASES = [
  ["https://shop.example.com", "https://shop.example.com", true],
  ["https://shop.example.com", "https://SHOP.example.com", true],
  ["https://Shop.example.com:443", "https://shop.example.com", true],
  ["https://shop.example.com", "https://shop.example.com:443", true],
  ["https://shop.example.com", "http://shop.example.com", false],
  ["https://shop.example.com", "https://shop.example.com:8443", false],
  ["https://shop.example.com", "https://shop.example.com.evil.test", false],
  ["https://shop.example.com", "https://shop-example.com", false],
  ["https://shop.example.com", "https://shop.example.com/", false],
  ["https://shop.example.com", "https://shop.example.com@evil.test", false],
  ["https://*.dev.example.com", "https://a.dev.example.com", true],
  ["https://*.dev.example.com", "https://a.b.dev.example.com", false],
  ["https://*.dev.example.com", "https://dev.example.com", false],
  ["https://*.dev.example.com", "https://.dev.example.com", false],
  ["https://*.dev.example.com", "https://evil.test/.dev.example.com", false],
  ["https://*.dev.example.com", "https://evil.test:1.dev.example.com", false],
  ["https://pr-*-web.example.com", "https://pr-17-web.example.com", true],
  ["https://pr-*-web.example.com", "https://pr-web.example.com", false],
  ["https://pr-*-web.example.com", "https://pr-1.evil-web.example.com", false],
  ["http://localhost:3000", "http://localhost:3000", true],
  ["http://localhost:3000", "http://localhost", false],
  ["http://[::1]:3000", "http://[::1]:3000", true],
  ["capacitor://localhost", "capacitor://localhost", true],
  ["https://*", "https://example", true],
  ["https://*", "https://example.com", false],
  ["https://*.com", "null", false],
  ["https://*.com", "", false],
] as const;

for (const [pattern, origin, allowed] of CASES) {
  test(`origin: ${pattern} ${allowed ? "allows" : "does not allow"} "${origin}"`, () => {
    assert.equal(compileOrigin(pattern)(origin), allowed);
  });
}

test("origin: whatever is sent, only hosts below the domain of a pattern are allowed", () => {
  const allows = compileOrigin("https://*.dev.example.com");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      for (const origin of [text, `https://${text}.dev.example.com`, `https://${text}`]) {
        if (allows(origin)) assert.match(new URL(origin).hostname, /^[a-z0-9*_-]+\.dev\.example\.com$/u);
      }
    }),
  );
});
