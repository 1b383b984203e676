import assert from "node:assert/strict";
import { test } from "node:test";
import { compileNoProxy } from "./no-proxy.ts";

/** NO_PROXY, host and port, whether the proxy is left out. */
const CASES: readonly (readonly [string, string, boolean])[] = [
  ["", "a.example.com:443", false],
  ["*", "a.example.com:443", true],
  ["other.com, *", "10.1.2.3:80", true],
  ["example.com", "example.com:443", true],
  ["example.com", "a.b.example.com:443", true],
  ["example.com", "badexample.com:443", false],
  ["example.com", "example.com.evil.test:443", false],
  [".example.com", "a.example.com:443", true],
  [".example.com", "example.com:443", false],
  ["*.example.com", "a.example.com:443", true],
  ["*.example.com", "example.com:443", false],
  ["EXAMPLE.com", "a.example.com:443", true],
  ["example.com:8443", "a.example.com:8443", true],
  ["example.com:8443", "a.example.com:443", false],
  [".example.com:8443", "a.example.com:8443", true],
  ["a.com,b.com", "b.com:80", true],
  ["a.com b.com\tc.com", "c.com:80", true],
  [" a.com , ,b.com,", "b.com:80", true],
  [",,", "b.com:80", false],
  ["10.1.2.3", "10.1.2.3:4317", true],
  ["10.1.2.3", "10.1.2.4:4317", false],
  ["10.1.2.3:4317", "10.1.2.3:4317", true],
  ["10.1.2.3:4317", "10.1.2.3:4318", false],
  ["10.0.0.0/8", "10.200.3.4:80", true],
  ["10.0.0.0/8", "11.0.0.1:80", false],
  ["10.0.0.0/8", "ten.example.com:80", false],
  ["10.0.0.0/33", "10.0.0.1:80", false],
  ["0.0.0.0/0", "192.0.2.1:80", true],
  ["0.0.0.0/0", "2001:db8::1:80", false],
  ["2001:db8::1", "2001:db8::1:80", true],
  ["2001:DB8:0::1", "2001:db8::1:80", true],
  ["[2001:db8::1]", "2001:db8::1:80", true],
  ["[2001:db8::1]:443", "2001:db8::1:443", true],
  ["[2001:db8::1]:443", "2001:db8::1:80", false],
  ["2001:db8::/32", "2001:db8:9::7:80", true],
  ["2001:db8::/32", "2001:db9::7:80", false],
  ["2001:db8::/129", "2001:db8::1:80", false],
  [":80", "example.com:80", false],
  ["http://example.com", "example.com:80", false],
  ["svc,.cluster.local", "tempo.tracing.svc:4317", true],
  ["svc,.cluster.local", "tempo.tracing.svc.cluster.local:4317", true],
  ["svc,.cluster.local", "tempo:4317", false],
];

for (const [text, at, expected] of CASES) {
  test(`NO_PROXY=${text} leaves the proxy out for ${at}: ${expected}`, () => {
    const end = at.lastIndexOf(":");
    assert.equal(compileNoProxy(text)(at.slice(0, end), Number(at.slice(end + 1))), expected);
  });
}
