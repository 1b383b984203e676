import assert from "node:assert/strict";
import { test } from "node:test";
import { RouterError } from "../../core/errors.ts";
import type { EtcdSettings } from "../store.ts";
import { checkSettings } from "./check-settings.ts";

const settings = (more: Partial<EtcdSettings>): EtcdSettings => {
  return { kind: "etcd", endpoints: ["http://127.0.0.1:2379"], compact: false, ...more };
};

for (const endpoints of [["http://127.0.0.1:2379"], ["https://etcd.example", "http://[::1]:2379"]]) {
  test(`etcd's settings: ${endpoints.join(" and ")}`, () => checkSettings(settings({ endpoints })));
}

const REFUSED: readonly (readonly [string, Partial<EtcdSettings>, RegExp])[] = [
  ["no endpoint", { endpoints: [] }, /no endpoint/u],
  ["no scheme", { endpoints: ["127.0.0.1:2379"] }, /"127\.0\.0\.1:2379" is no endpoint/u],
  ["another scheme", { endpoints: ["tcp://127.0.0.1:2379"] }, /is no endpoint/u],
  ["a password in the endpoint", { endpoints: ["http://me:b1gs33cr3t@a:2379"] }, /"http:\/\/\.\.\.@a:2379" is no/u],
  ["half a password", { endpoints: ["http://me:b1g/s33cr3t@a:2379"] }, /"http:\/\/\.\.\.@a:2379" is no/u],
  ["no PEM", { endpoints: ["https://a:1"], tls: { ca: "x", cert: "y", key: "z" } }, /the certificates for etcd/u],
];
for (const [name, more, message] of REFUSED) {
  test(`etcd's settings: ${name} is refused, with what to write`, () => {
    assert.throws(
      () => checkSettings(settings(more)),
      (cause) => {
        assert.ok(cause instanceof RouterError && cause.code === "STORE_REFUSED", String(cause));
        assert.match(cause.message, message);
        return cause.hint?.includes("coordination.") === true;
      },
    );
  });
}
